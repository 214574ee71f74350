"""Relay calls of a test, placed by the real fleet in the test's own process."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

from loadtest.callers.fleet import FleetContext, Target
from loadtest.callers.relay.fleet import RelayFleet
from loadtest.measures.interval import Interval
from loadtest.measures.measures import Measures
from loadtest.scenario.call_plan import CallPlan
from loadtest.scenario.scenario import (
    CallerProfile,
    Fault,
    FaultAction,
    Kind,
    Load,
    Scenario,
    Talk,
    TalkModel,
)

LONG_S = 3600.0
PATIENCE_S = 30.0
STEP_S = 0.02
PROFILE = CallerProfile(
    kind=Kind.RELAY, talk=Talk(model=TalkModel.CONTINUOUS, packets_per_second=25.0)
)
SCENARIO = Scenario(
    name="relay",
    load=Load(sessions=1),
    callers=(PROFILE,),
    faults=tuple(Fault(at_seconds=at, action=FaultAction.RESTART) for at in range(0, 600, 10)),
)


class RelayCalls:
    """Calls that are up until they are hung up."""

    def __init__(self, urls: list[str]) -> None:
        self._measures = Measures()
        self._context = FleetContext(Target(reflector=",".join(urls)), SCENARIO, self._measures)
        self.fleet = RelayFleet(self._context)
        self._tasks: list[asyncio.Task[None]] = []
        self._interval: Interval | None = None

    def place(self, calls: int, seconds: float = LONG_S, profile: CallerProfile = PROFILE) -> None:
        self._context.clock.started_at = time.monotonic()
        for number in range(calls):
            plan = CallPlan(number, 0, 0.0, seconds, number + 1)
            self._tasks.append(asyncio.create_task(self.fleet.call(plan, profile)))

    def found(self) -> Interval:
        """All that has been measured until now."""
        parts = [replace(self._interval, sessions=0)] if self._interval else []
        self._interval = Interval.merged(0, [*parts, self._measures.take(0)])
        return self._interval

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for what the calls are about to do."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                await asyncio.sleep(STEP_S)

    async def close(self) -> None:
        """Hang all up."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.fleet.close()

    async def all_over(self) -> Interval:
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(*self._tasks)
        return self.found()


@asynccontextmanager
async def relay_calls(urls: list[str]) -> AsyncIterator[RelayCalls]:
    calls = RelayCalls(urls)
    await calls.fleet.start()
    try:
        yield calls
    finally:
        await calls.close()
