"""One process of relay callers, as the benchmark runs it."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection

import uvloop

from loadtest.callers.fleet import FleetContext, RunClock, Target
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
)

CLOSE_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerLoad:
    """What one process does. Times are of the host's monotonic clock."""

    numbers: Sequence[int]
    """Of its calls, among all."""
    set_ups_per_second: float
    """Of all processes together."""
    packets_per_second: float
    begin_at: float
    hold_at: float
    end_at: float


@dataclass(frozen=True, slots=True)
class CallerResult:
    ramp: Interval
    hold: Interval
    rest: Interval


def run_callers(link: Connection) -> None:
    """Say when ready, take a `CallerLoad`, answer a `CallerResult`."""
    reflectors, use_uvloop = link.recv()
    runner = uvloop.run if use_uvloop else asyncio.run
    runner(_serve(link, reflectors))


async def _serve(link: Connection, reflectors: str) -> None:
    profile = CallerProfile(kind=Kind.RELAY)
    # Any silence is of interest here.
    faults = tuple(Fault(at_seconds=at, action=FaultAction.RESTART) for at in range(0, 600, 10))
    scenario = Scenario(name="relay", load=Load(sessions=1), callers=(profile,), faults=faults)
    measures, clock = Measures(), RunClock()
    fleet = RelayFleet(FleetContext(Target(reflector=reflectors), scenario, measures, (), clock))
    await fleet.start()
    link.send(True)
    load: CallerLoad = await asyncio.to_thread(link.recv)
    clock.started_at = load.begin_at
    calling = asyncio.create_task(_call_all(fleet, load, clock))
    ramp = await _interval(measures, load.hold_at)
    hold = await _interval(measures, load.end_at)
    await calling
    rest = await _interval(measures, time.monotonic())
    await fleet.close()
    link.send(CallerResult(ramp, hold, rest))


async def _interval(measures: Measures, until: float) -> Interval:
    used = time.process_time()
    await asyncio.sleep(until - time.monotonic())
    return measures.take(0, time.process_time() - used)


async def _call_all(fleet: RelayFleet, load: CallerLoad, clock: RunClock) -> None:
    talk = Talk(packets_per_second=load.packets_per_second)
    profile = CallerProfile(kind=Kind.RELAY, talk=talk)
    calls = []
    for number in load.numbers:
        start = number / load.set_ups_per_second
        length = load.end_at - load.begin_at - start
        plan = CallPlan(number, 0, start, length, number + 1)
        await asyncio.sleep(clock.planned(plan) - time.monotonic())
        calls.append(asyncio.create_task(fleet.call(plan, profile)))
    await asyncio.gather(*calls)
