"""Slots of a shared batch give what a batch of their own would: to the token."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from inference.engines.native.moshi_batch import MoshiBatch, MoshiParts, load_parts
from inference.engines.native.step import STEP_SAMPLES, SlotStep, StepPlan

STREAMS, STEPS, SLOTS = 4, 18, 3
STALL_PROBABILITY = 0.3

Frames = NDArray[np.float32]


@pytest.fixture(scope="module")
def heard() -> Frames:
    """What each stream hears (streams, steps, samples), its loudness changing."""
    random = np.random.default_rng(1)
    noise = random.standard_normal((STREAMS, STEPS, STEP_SAMPLES))
    loudness = random.uniform(0.02, 0.5, (STREAMS, STEPS, 1))
    return np.asarray(noise * loudness, np.float32)


@contextmanager
def batch(parts: MoshiParts, slots: int) -> Iterator[MoshiBatch]:
    with closing(MoshiBatch(parts, slots, sampling=False)) as opened:
        yield opened


@pytest.fixture(scope="module")
def alone(parts: MoshiParts, heard: Frames) -> list[list[SlotStep]]:
    """What each stream gives in a batch of its own."""
    steps = []
    for stream in heard:
        with batch(parts, 1) as solo:
            steps.append([solo.run(StepPlan({0: frame}, {}))[0] for frame in stream])
    return steps


def assert_same(shared: list[SlotStep], solo: list[SlotStep]) -> None:
    assert [step.tokens.tolist() for step in shared] == [step.tokens.tolist() for step in solo]
    assert [step.piece for step in shared] == [step.piece for step in solo]
    for mine, own in zip(shared, solo, strict=True):
        assert (mine.pcm is None) == (own.pcm is None)
        if mine.pcm is not None and own.pcm is not None:
            np.testing.assert_allclose(mine.pcm, own.pcm, atol=1e-4)


def test_streams_and_steps_differ(alone: list[list[SlotStep]]) -> None:
    """Else the comparisons below would say nothing."""
    said_and_heard = [[tuple(step.tokens.tolist()) for step in stream] for stream in alone]
    for stream in said_and_heard:
        assert len(set(stream)) > STEPS * 0.8
    for index in range(STEPS):
        assert len({stream[index] for stream in said_and_heard}) > STREAMS // 2
    pcm = [stream[-1].pcm for stream in alone]
    assert all(frame is not None and frame.std() > 0.001 for frame in pcm)


@pytest.mark.parametrize("seed", range(5))
def test_joins_stalls_and_leaves_change_no_token(
    parts: MoshiParts, heard: Frames, alone: list[list[SlotStep]], seed: int
) -> None:
    random = np.random.default_rng(seed)
    order = random.permutation(STREAMS).tolist()
    begins = {stream: int(random.integers(0, 6)) for stream in order}
    ends = {stream: int(random.integers(STEPS // 2, STEPS + 1)) for stream in order}
    slots: dict[int, int] = {}
    given: dict[int, list[SlotStep]] = {stream: [] for stream in order}
    with batch(parts, SLOTS) as shared:
        for tick in range(100):
            if all(len(given[stream]) == ends[stream] for stream in order):
                break
            resets = []
            for stream in order:
                free = set(range(SLOTS)) - set(slots.values())
                if stream not in slots and not given[stream] and free and tick >= begins[stream]:
                    slots[stream] = free.pop()
                    resets.append(slots[stream])
            going = {s: slot for s, slot in slots.items() if random.random() > STALL_PROBABILITY}
            frames = {slot: heard[s, len(given[s])] for s, slot in going.items()}
            steps = shared.run(StepPlan(frames, {}, tuple(resets)))
            for stream, slot in going.items():
                given[stream].append(steps[slot])
                if len(given[stream]) == ends[stream]:
                    del slots[stream]
    for stream in order:
        assert len(given[stream]) == ends[stream]
        assert_same(given[stream], alone[stream][: ends[stream]])


def test_a_slot_that_relives_everything_goes_on_as_the_first_would(
    parts: MoshiParts, heard: Frames, alone: list[list[SlotStep]]
) -> None:
    """Another stream hears on beside it, and nothing of it gets into either."""
    half = STEPS // 2
    given = []
    with batch(parts, SLOTS) as shared:
        for index in range(half):
            given.append(shared.run(StepPlan({0: heard[0, index]}, {}))[0])
        others = []
        for index in range(half):
            plan = StepPlan({1: heard[1, index]}, {2: given[index].tokens}, (2,) * (index == 0))
            others.append(shared.run(plan)[1])
        for index in range(half, STEPS):
            moved = ((0, 2),) if index == half else ()
            plan = StepPlan({2: heard[0, index], 1: heard[1, index]}, {}, moved=moved)
            steps = shared.run(plan)
            given.append(steps[2])
            others.append(steps[1])
    assert_same(given, alone[0])
    assert_same(others, alone[1])


def test_a_slot_that_relives_the_end_has_forgotten_the_rest(
    parts: MoshiParts, heard: Frames, alone: list[list[SlotStep]]
) -> None:
    half = STEPS // 2
    with batch(parts, 2) as shared:
        for index in range(half):
            shared.run(StepPlan({0: heard[0, index]}, {}))
        for step in alone[0][half - 3 : half]:
            shared.run(StepPlan({}, {1: step.tokens}))
        plans = [StepPlan({1: heard[0, index]}, {}) for index in range(half, STEPS)]
        plans[0] = StepPlan(plans[0].heard, {}, moved=((0, 1),))
        given = [shared.run(plan)[1] for plan in plans]
    heard_of_both = parts.language_model.n_q - parts.language_model.dep_q
    ears = [(step.tokens[-heard_of_both:]).tolist() for step in given]
    assert ears == [(step.tokens[-heard_of_both:]).tolist() for step in alone[0][half:]]
    assert any(
        mine.tokens.tolist() != whole.tokens.tolist()
        for mine, whole in zip(given, alone[0][half:], strict=True)
    )
    assert all(step.pcm is not None for step in given)


def test_int8_weights(tiny_model: Path, heard: Frames) -> None:
    parts = load_parts(str(tiny_model), "cpu", int8=True)
    kept = {
        buffer.dtype for name, buffer in parts.language_model.named_buffers() if "quant" in name
    }
    assert "torch.int8" in map(str, kept)
    with batch(parts, 2) as shared:
        steps = [shared.run(StepPlan({0: frame}, {}))[0] for frame in heard[0, :4]]
    assert steps[-1].pcm is not None
    assert np.isfinite(steps[-1].pcm).all()
