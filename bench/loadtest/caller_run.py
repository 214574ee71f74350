"""A fleet of WebRTC callers in this process, and what it used of its core."""

import asyncio
import time
from dataclasses import dataclass

from loadtest.callers.fleet import FleetContext, Target
from loadtest.callers.webrtc.fleet import WebRtcFleet
from loadtest.measures.interval import Interval
from loadtest.measures.measures import Measures
from loadtest.scenario.call_plan import CallPlan, plan_calls
from loadtest.scenario.scenario import CallerProfile, Load, Scenario

RAMP_SECONDS = 5.0
SETTLE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class CallerRun:
    """What was measured while all callers were up."""

    callers: int
    seconds: float
    cpu_seconds: float
    held: Interval
    """Of that time alone."""
    failures: tuple[str, ...]
    """Of the whole run."""


async def run_callers(url: str, callers: int, seconds: float) -> CallerRun:
    """Talk spurts and pauses, 50 packets a second each way throughout."""
    length = RAMP_SECONDS + SETTLE_SECONDS + seconds
    profile = CallerProfile(data_channel=False)
    load = Load(sessions=callers, ramp_seconds=RAMP_SECONDS, hold_seconds=length - RAMP_SECONDS)
    scenario = Scenario(name="callers", load=load, callers=(profile,))
    context = FleetContext(Target(http=url), scenario, Measures())
    fleet = WebRtcFleet(context)
    await fleet.start()
    calls = [
        asyncio.create_task(_call(fleet, context, plan, profile)) for plan in plan_calls(scenario)
    ]
    await asyncio.sleep(RAMP_SECONDS + SETTLE_SECONDS)
    before = context.measures.take(0)
    cpu_began, began = time.process_time(), time.monotonic()
    await asyncio.sleep(seconds - SETTLE_SECONDS)
    cpu_seconds, measured = time.process_time() - cpu_began, time.monotonic() - began
    held = context.measures.take(1)
    await asyncio.gather(*calls)
    await fleet.close()
    failed = (*before.failures, *held.failures, *context.measures.take(2).failures)
    failures = tuple(f"{each.reason}: {each.detail}" for each in failed)
    return CallerRun(callers, measured, cpu_seconds, held, failures)


async def _call(
    fleet: WebRtcFleet, context: FleetContext, plan: CallPlan, profile: CallerProfile
) -> None:
    await asyncio.sleep(context.clock.planned(plan) - time.monotonic())
    await fleet.call(plan, profile)
