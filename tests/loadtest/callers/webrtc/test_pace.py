import asyncio
import time

import pytest

from loadtest.callers.webrtc.pace import SLOT_S, SLOTS, Pace
from loadtest.measures.measures import Measures
from loadtest.measures.names import Latency


class Ticked:
    """Counts its turns, and says when it had enough."""

    def __init__(self, wanted: int) -> None:
        self.due: list[float] = []
        self.enough = asyncio.Event()
        self._wanted = wanted

    def tick(self, due: float) -> bool:
        self.due.append(due)
        if len(self.due) >= self._wanted:
            self.enough.set()
        return True


async def test_each_has_a_turn_in_20_ms_at_a_phase_of_its_own() -> None:
    pace = Pace(Measures(), lambda: None)
    callers = [Ticked(20) for _ in range(SLOTS)]
    for caller in callers:
        pace.join(caller.tick)
    pace.start()
    for caller in callers:
        await caller.enough.wait()
    await pace.close()

    for caller in callers:
        gaps = [later - earlier for earlier, later in zip(caller.due, caller.due[1:], strict=False)]
        assert gaps == pytest.approx([0.02] * len(gaps))
    phases = sorted(caller.due[0] - callers[0].due[0] for caller in callers)
    assert phases == pytest.approx([number * SLOT_S for number in range(SLOTS)], abs=1e-6)


async def test_what_was_missed_is_made_up_for_and_told() -> None:
    measures = Measures()
    caller, seconds = Ticked(75), 0

    def count() -> None:
        nonlocal seconds
        seconds += 1

    pace = Pace(measures, count)
    pace.join(caller.tick)
    pace.start()
    await asyncio.sleep(0)
    time.sleep(0.5)
    await caller.enough.wait()
    await pace.close()

    lateness = measures.take(0).latencies[Latency.SEND_LATENESS]
    assert lateness.maximum is not None
    assert lateness.maximum >= 0.4
    assert seconds >= 1


async def test_who_left_has_no_more_turns() -> None:
    pace = Pace(Measures(), lambda: None)
    stays, leaves = Ticked(10), Ticked(3)
    pace.join(stays.tick)
    pace.join(leaves.tick)
    pace.start()
    await leaves.enough.wait()
    pace.leave(leaves.tick)
    turns = len(leaves.due)
    await stays.enough.wait()
    await pace.close()

    assert len(leaves.due) == turns
    pace.leave(leaves.tick)


async def test_a_defect_of_the_clock_is_told_at_the_end() -> None:
    def broken(_due: float) -> bool:
        raise RuntimeError("a defect")

    pace = Pace(Measures(), lambda: None)
    pace.join(broken)
    pace.start()
    await asyncio.sleep(0.05)
    with pytest.raises(RuntimeError, match="a defect"):
        await pace.close()
