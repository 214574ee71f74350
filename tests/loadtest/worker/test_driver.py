import asyncio
import time

import pytest

from loadtest.callers.fleet import FleetContext, Target
from loadtest.measures.measures import Measures
from loadtest.measures.names import Count, Failure, Latency
from loadtest.scenario.call_plan import CallPlan, plan_calls
from loadtest.scenario.scenario import CallerProfile, Kind, Load, Scenario
from loadtest.worker import driver
from loadtest.worker.driver import Driver, Leftovers

SESSIONS = 20


class BusyFleet:
    """A `Fleet` whose calls take as long as they please, or for ever."""

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self.begun: list[int] = []
        self.hung_up = 0
        self.all_begun = asyncio.Event()

    async def start(self) -> None: ...

    async def call(self, plan: CallPlan, profile: CallerProfile) -> None:
        self.begun.append(plan.number)
        if len(self.begun) == SESSIONS:
            self.all_begun.set()
        try:
            if self._seconds is None:
                await asyncio.Event().wait()
            else:
                await asyncio.sleep(self._seconds)
        except asyncio.CancelledError:
            self.hung_up += 1
            raise

    async def close(self) -> None: ...


def context(seconds: float = 0.2) -> FleetContext:
    load = Load(sessions=SESSIONS, ramp_seconds=seconds, hold_seconds=0.0)
    return FleetContext(Target(), Scenario(name="small", load=load), Measures())


def driver_of(fleet: BusyFleet, context: FleetContext) -> Driver:
    return Driver(plan_calls(context.scenario), {Kind.WEBRTC: fleet}, context)


async def test_calls_begin_in_time_whatever_became_of_those_before() -> None:
    known, fleet = context(), BusyFleet(None)
    driving = asyncio.create_task(driver_of(fleet, known).drive(stop := asyncio.Event()))
    await fleet.all_begun.wait()
    stop.set()
    assert await driving == Leftovers(unfinished=SESSIONS, overdue=0)
    assert fleet.hung_up == SESSIONS
    assert fleet.begun == list(range(SESSIONS))


async def test_a_late_start_is_noted_and_skips_no_call() -> None:
    known, fleet = context(), BusyFleet(0.0)
    known.clock.started_at = time.monotonic() - 10.0
    assert await driver_of(fleet, known).drive(asyncio.Event()) == Leftovers(0, 0)
    interval = known.measures.take(0)
    assert interval.counts[Count.CALLS_STARTED] == SESSIONS
    least = interval.latencies[Latency.ARRIVAL_LATENESS].percentile(0)
    assert least is not None
    assert least > 9.0


async def test_calls_that_do_not_end_are_hung_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "OVERDUE_S", 0.0)
    known, fleet = context(), BusyFleet(None)
    left = await driver_of(fleet, known).drive(asyncio.Event())
    assert left == Leftovers(unfinished=0, overdue=fleet.hung_up)
    assert fleet.hung_up > 0
    assert known.measures.take(0).failed == {Failure.OVERDUE: fleet.hung_up}


async def test_a_call_that_does_not_let_go_holds_nothing_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(driver, "OVERDUE_S", 0.0)
    monkeypatch.setattr(driver, "HANG_UP_S", 0.0)
    letting_go = asyncio.Event()

    class Clinging(BusyFleet):
        async def call(self, plan: CallPlan, profile: CallerProfile) -> None:
            while not letting_go.is_set():
                try:
                    await letting_go.wait()
                except asyncio.CancelledError:
                    continue

    left = await driver_of(Clinging(None), context(0.0)).drive(asyncio.Event())
    letting_go.set()
    assert left.overdue == SESSIONS


async def test_a_defect_of_one_call_is_its_own() -> None:
    class Defective(BusyFleet):
        async def call(self, plan: CallPlan, profile: CallerProfile) -> None:
            if plan.number % 2:
                raise ValueError("odd")

    known = context()
    await driver_of(Defective(None), known).drive(asyncio.Event())
    interval = known.measures.take(0)
    assert interval.failed == {Failure.CALLER_DEFECT: SESSIONS // 2}
    assert interval.failures[0].detail == "ValueError: odd"
