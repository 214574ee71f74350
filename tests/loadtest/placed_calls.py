"""Calls that a fleet places, and what was measured of them."""

import asyncio
import time
from collections.abc import Callable

from loadtest.callers.fleet import Fleet, FleetContext, Target
from loadtest.measures.interval import Interval
from loadtest.measures.measures import Measures
from loadtest.scenario.call_plan import CallPlan
from loadtest.scenario.scenario import CallerProfile, Load, Scenario


async def place_calls(
    make_fleet: Callable[[FleetContext], Fleet],
    target: Target,
    profile: CallerProfile,
    *,
    calls: int = 1,
    seconds: float = 1.0,
) -> Interval:
    """So many at once, for so long each."""
    measures = Measures()
    scenario = Scenario(name="test", load=Load(sessions=calls), callers=(profile,))
    context = FleetContext(target=target, scenario=scenario, measures=measures)
    fleet = make_fleet(context)
    await fleet.start()
    try:
        context.clock.started_at = time.monotonic()
        plans = [CallPlan(number, 0, 0.0, seconds, 1000 + number) for number in range(calls)]
        await asyncio.gather(*(fleet.call(plan, profile) for plan in plans))
    finally:
        await fleet.close()
    return measures.take(0)


async def stop_a_call(
    make_fleet: Callable[[FleetContext], Fleet], target: Target, profile: CallerProfile
) -> Interval:
    """Cancel it once it is up, long before its time."""
    up = asyncio.Event()

    class Noticing(Measures):
        def opened(self) -> None:
            super().opened()
            up.set()

    measures = Noticing()
    scenario = Scenario(name="test", load=Load(sessions=1), callers=(profile,))
    fleet = make_fleet(FleetContext(target=target, scenario=scenario, measures=measures))
    await fleet.start()
    call = asyncio.create_task(fleet.call(CallPlan(0, 0, 0.0, 600.0, 1), profile))
    try:
        await asyncio.wait_for(up.wait(), 30)
    finally:
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        await fleet.close()
    return measures.take(0)
