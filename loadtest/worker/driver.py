"""Begins each call when it was planned to begin, whatever came of those before it."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from loadtest.callers.fleet import Fleet, FleetContext
from loadtest.interruption import done_before
from loadtest.measures.names import Count, Failure, Latency
from loadtest.scenario.call_plan import CallPlan
from loadtest.scenario.scenario import Kind

OVERDUE_S = 5.0
"""After the run's end: how long its last calls may take to hang up by themselves."""

HANG_UP_S = 5.0
"""How long a call that is told to hang up may take for it."""


@dataclass(frozen=True, slots=True)
class Leftovers:
    """Calls that did not end by themselves."""

    unfinished: int
    """Hung up before their time, for the run was stopped."""
    overdue: int
    """Hung up because they did not end when it was time; they count as failed."""


class Driver:
    """An open loop: a late call stays late, and is said to be; none waits for another."""

    def __init__(
        self, plans: Iterable[CallPlan], fleets: Mapping[Kind, Fleet], context: FleetContext
    ) -> None:
        """`plans` in the order of their start."""
        self._plans = plans
        self._fleets = fleets
        self._context = context
        self._calls: dict[asyncio.Task[None], CallPlan] = {}

    async def drive(self, stop: asyncio.Event) -> Leftovers:
        """Place all calls, and return when they are over; or hang up those that are, at `stop`."""
        try:
            if await done_before(stop, self._place()):
                await self._see_out(stop)
        finally:
            left = list(self._calls.values())
            await self._hang_up()
        if stop.is_set():
            return Leftovers(len(left), 0)
        for plan in left:
            self._context.measures.failed(plan.number, Failure.OVERDUE)
        return Leftovers(0, len(left))

    async def _place(self) -> None:
        for plan in self._plans:
            # Where calls are late, those that are up still get their turn between two.
            await asyncio.sleep(max(0.0, self._context.clock.planned(plan) - time.monotonic()))
            self._begin(plan)

    def _begin(self, plan: CallPlan) -> None:
        measures = self._context.measures
        measures.count(Count.CALLS_STARTED)
        late = time.monotonic() - self._context.clock.planned(plan)
        measures.note(Latency.ARRIVAL_LATENESS, max(0.0, late))
        call = asyncio.create_task(self._call(plan))
        self._calls[call] = plan
        call.add_done_callback(self._calls.pop)

    async def _call(self, plan: CallPlan) -> None:
        profile = self._context.scenario.callers[plan.profile]
        try:
            await self._fleets[profile.kind].call(plan, profile)
        except Exception as error:  # noqa: BLE001 - a caller's defect must not end the others
            detail = f"{type(error).__name__}: {error}"
            self._context.measures.failed(plan.number, Failure.CALLER_DEFECT, detail)

    async def _see_out(self, stop: asyncio.Event) -> None:
        """Wait for the calls that are still up, until they are overdue."""
        ends = self._context.clock.started_at + self._context.scenario.load.seconds + OVERDUE_S
        await done_before(stop, self._all_over(), max(0.0, ends - time.monotonic()))

    async def _all_over(self) -> None:
        if self._calls:
            await asyncio.wait(self._calls)

    async def _hang_up(self) -> None:
        calls = set(self._calls)
        for call in calls:
            call.cancel()
        if calls:
            await asyncio.wait(calls, timeout=HANG_UP_S)
