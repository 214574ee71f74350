"""Which slots step when, with a clock that tests move."""

import numpy as np
import pytest

from inference.engines.native.compaction import ContextLimits
from inference.engines.native.slot_table import NoSlotError
from inference.engines.native.step import STEP_S, STEP_SAMPLES, Samples
from inference.engines.native.step_scheduler import STALLED_AFTER_S, StepScheduler
from tests.inference.engines.native.scripted_model import ScriptedModel

NO_LIMITS = ContextLimits.of(1_000_000)


def frame(level: float = 0.1) -> Samples:
    return np.full(STEP_SAMPLES, level, np.float32)


class Served:
    """A scheduler with a scripted model, for tests that need no time."""

    def __init__(self, slots: int, limits: ContextLimits = NO_LIMITS) -> None:
        self.model = ScriptedModel(slots)
        self.scheduler = StepScheduler(slots, limits)

    def step(self, now: float = 0.0) -> list[int]:
        """The sessions that stepped."""
        plan = self.scheduler.plan(now)
        return [] if plan is None else list(self.scheduler.complete(self.model.run(plan)))


def test_every_ready_slot_steps_and_no_other() -> None:
    served = Served(3)
    for session in (7, 8, 9):
        served.scheduler.open(session, 0.0)
    served.scheduler.push(7, frame(), 0.0)
    served.scheduler.push(9, frame(), 0.0)
    served.scheduler.push(9, frame(), 0.0)
    assert [served.step(), served.step(), served.step()] == [[7, 9], [9], []]


def test_a_slot_begins_anew_before_its_first_step() -> None:
    served = Served(1)
    served.scheduler.open(1, 0.0)
    served.scheduler.push(1, frame(), 0.0)
    served.step()
    served.scheduler.close(1)
    served.scheduler.open(2, 0.0)
    served.scheduler.push(2, frame(), 0.0)
    served.scheduler.push(2, frame(), 0.0)
    served.step()
    served.step()
    assert [plan.resets for plan in served.model.plans] == [(0,), (0,), ()]


def test_a_session_that_leaves_in_mid_step_gives_nothing_any_more() -> None:
    served = Served(2)
    for session in (1, 2):
        served.scheduler.open(session, 0.0)
        served.scheduler.push(session, frame(), 0.0)
    plan = served.scheduler.plan(0.0)
    assert plan is not None
    served.scheduler.close(1)
    assert list(served.scheduler.complete(served.model.run(plan))) == [2]
    served.scheduler.push(1, frame(), 0.0)
    assert served.step() == []


def test_no_slot_is_left() -> None:
    served = Served(1)
    served.scheduler.open(1, 0.0)
    with pytest.raises(NoSlotError):
        served.scheduler.open(2, 0.0)
    served.scheduler.close(1)
    served.scheduler.open(2, 0.0)


def test_a_stalled_input_hears_silence_in_real_time() -> None:
    served = Served(1)
    served.scheduler.open(1, 0.0)
    assert served.scheduler.next_stall() == STALLED_AFTER_S
    stepped = [now / 100 for now in range(100) if served.step(now / 100)]
    assert len(stepped) == int((1 - STALLED_AFTER_S) / STEP_S)
    assert not served.model.plans[-1].heard[0].any()
    assert served.scheduler.counters.stalled == len(stepped)

    served.scheduler.push(1, frame(), 1.0)
    assert served.step(1.0) == [1]
    assert served.model.plans[-1].heard[0].all()
    assert served.step(1.0 + STALLED_AFTER_S / 2) == []


def test_silence_is_not_made_up_for_a_model_that_was_late() -> None:
    served = Served(1)
    served.scheduler.open(1, 0.0)
    assert [bool(served.step(10.0)) for _ in range(3)] == [True, False, False]


# ---- run when idle, against waiting, in simulated time ---------------------------


def median_latency(sessions: int, wait: str) -> float:
    """Seconds from a frame to its step's end, at a batch's cost that was published for such
    a model (vllm-omni #7389: 28 ms for 2, 45 ms for 16 slots)."""
    random = np.random.default_rng(0)
    phases = random.uniform(0, STEP_S, sessions)
    arrivals = sorted(
        (phase + STEP_S * index, session)
        for session, phase in enumerate(phases)
        for index in range(50)
    )
    cost = 0.0256 + 0.0013 * sessions
    served = Served(sessions)
    for session in range(sessions):
        served.scheduler.open(session, 0.0)
    due: dict[int, list[float]] = {session: [] for session in range(sessions)}
    now, latencies = 0.0, []
    while arrivals or any(due.values()):
        while arrivals and arrivals[0][0] <= now:
            arrived, session = arrivals.pop(0)
            served.scheduler.push(session, frame(), now + 1000)
            due[session].append(arrived)
        stepped = served.step(now)
        if not stepped:
            now = arrivals[0][0]
            if wait == "grid":
                now = np.ceil(now / STEP_S) * STEP_S
            continue
        now += cost
        latencies += [now - due[session].pop(0) for session in stepped]
        if wait == "grid":
            now = np.ceil(now / STEP_S) * STEP_S
    return float(np.median(latencies))


@pytest.mark.parametrize(("sessions", "share"), [(4, 0.5), (8, 0.85), (16, 0.95)])
def test_running_when_idle_is_sooner_than_a_grid(sessions: int, share: float) -> None:
    """Until a step takes nearly all of its 80 ms, where both wait for the step before."""
    assert median_latency(sessions, "no") < share * median_latency(sessions, "grid")


# ---- long conversations ------------------------------------------------------------

LIMITS = ContextLimits(warm_from=12, tail=4, forget_at=18)


def converse(served: Served, session: int, steps: int) -> None:
    for _ in range(steps):
        served.scheduler.push(session, frame(), 0.0)
        while (plan := served.scheduler.plan(0.0)) is not None:
            served.scheduler.complete(served.model.run(plan))


def test_a_long_conversation_goes_on_in_a_slot_that_relived_its_end() -> None:
    served = Served(2, LIMITS)
    served.scheduler.open(1, 0.0)
    served.model.pieces[0] = "word"
    converse(served, 1, 12)
    converse(served, 1, 3)
    assert served.scheduler.counters.handoffs == 0, "the agent still speaks"

    served.model.pieces[0] = ""
    converse(served, 1, 4)
    assert served.scheduler.counters.handoffs == 1
    plans = served.model.plans
    moved_at = next(index for index, plan in enumerate(plans) if plan.moved)
    assert plans[moved_at].moved == ((0, 1),)
    relived = [plan.relived[1][0] for plan in plans if 1 in plan.relived]
    lived = [index + 1 for index, plan in enumerate(plans[:moved_at]) if 0 in plan.heard]
    assert relived == lived[lived.index(relived[0]) :]
    assert all(0 not in plan.heard for plan in plans[moved_at:])
    reset = next(plan for plan in plans if plan.relived)
    assert reset.resets == (1,)


def test_without_a_free_slot_it_is_forgotten_in_place() -> None:
    served = Served(1, LIMITS)
    served.scheduler.open(1, 0.0)
    converse(served, 1, 17)
    assert served.scheduler.counters.forgotten == 0
    converse(served, 1, 2)
    assert served.scheduler.counters.forgotten == 1
    assert served.model.plans[-1].resets == (0,)
    assert 0 in served.model.plans[-1].heard


def test_a_session_that_leaves_while_it_is_handed_off_frees_both_slots() -> None:
    served = Served(2, LIMITS)
    served.scheduler.open(1, 0.0)
    converse(served, 1, 13)
    served.scheduler.close(1)
    served.scheduler.open(2, 0.0)
    served.scheduler.open(3, 0.0)
