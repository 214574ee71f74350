import asyncio

import numpy as np
import pytest

from antiphon.loudness import STEP
from antiphon.microphone import FRAME, Microphone
from antiphon.wav import RATE, Samples


def ramp(frames: float) -> Samples:
    return np.arange(1, round(frames * FRAME) + 1, dtype=np.int16)


async def frames(microphone: Microphone, count: int) -> Samples:
    return np.concatenate([(await microphone.recv()).to_ndarray()[0] for _ in range(count)])


async def test_it_is_silent_until_it_has_something_to_say() -> None:
    microphone = Microphone()
    assert not (await frames(microphone, 2)).any()
    microphone.say(ramp(1))
    assert np.array_equal(await frames(microphone, 1), ramp(1))
    assert not (await frames(microphone, 1)).any()


async def test_utterances_follow_one_another_on_whole_frames() -> None:
    microphone = Microphone()
    first, second = microphone.say(ramp(1.5)), microphone.say(ramp(1))
    samples = await frames(microphone, 3)
    assert np.array_equal(samples[: len(ramp(1.5))], ramp(1.5))
    assert not samples[len(ramp(1.5)) : 2 * FRAME].any()
    assert np.array_equal(samples[2 * FRAME :], ramp(1))
    assert first.finished.is_set()
    assert second.finished.is_set()
    assert first.started_at is not None
    assert second.started_at == pytest.approx(first.started_at + 0.04)


async def test_a_frame_is_given_when_its_last_sample_was_spoken() -> None:
    microphone = Microphone()
    loop = asyncio.get_running_loop()
    utterance = microphone.say(ramp(5))
    for count in range(1, 6):
        await microphone.recv()
        assert utterance.started_at is not None
        assert loop.time() >= utterance.started_at + count * FRAME / RATE


async def test_timestamps_count_samples() -> None:
    microphone = Microphone()
    stamps = [(await microphone.recv()).pts for _ in range(3)]
    assert stamps == [0, FRAME, 2 * FRAME]


async def test_it_knows_when_the_last_voiced_sample_was_spoken() -> None:
    microphone = Microphone()
    loud = np.full(2 * FRAME, 8000, dtype=np.int16)
    quiet = np.zeros(2 * FRAME, dtype=np.int16)
    utterance = microphone.say(np.concatenate([loud, quiet]))
    assert microphone.last_voiced_before(1e9) is None
    assert utterance.first_voiced_at is None
    await frames(microphone, 4)
    assert utterance.started_at is not None
    end = utterance.started_at + 2 * FRAME / RATE
    assert utterance.first_voiced_at == utterance.started_at
    assert microphone.last_voiced_before(1e9) == pytest.approx(end)
    assert microphone.last_voiced_before(end - 0.01) == pytest.approx(end - 0.01, abs=STEP / RATE)
    assert microphone.last_voiced_before(utterance.started_at) is None
