"""A worker whose calls are set up at once, talk to nobody, and do what their number says."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from unittest.mock import patch

from loadtest.callers.fleet import Fleet, FleetContext, FleetError
from loadtest.commands import worker
from loadtest.measures.names import Count, Failure, Latency
from loadtest.scenario.call_plan import CallPlan
from loadtest.scenario.scenario import CallerProfile, Kind
from loadtest.worker.run_worker import WorkerSettings, run_worker

UNCALLABLE, VOUCHED, KILLED, HUNG, DEFECTIVE, REFUSED = (
    "uncallable",
    "vouched",
    "killed",
    "hung",
    "defective",
    "refused",
)
"""What the target's `model` may ask of the call with the highest number so far, or the fleet."""


class ScriptedFleet:
    """A `Fleet`."""

    def __init__(self, _kind: Kind, context: FleetContext) -> None:
        self._context = context
        self._script = context.target.model

    async def start(self) -> None:
        if self._script == UNCALLABLE:
            raise FleetError("nobody is at home")
        if self._script == VOUCHED:
            raise FleetError(Path(self._context.target.certificate_authority).read_text())

    async def call(self, plan: CallPlan, profile: CallerProfile) -> None:
        measures = self._context.measures
        if plan.number == 3:
            self._go_wrong()
        if plan.number == 3 and self._script == REFUSED:
            measures.failed(plan.number, Failure.REFUSED, "503")
            return
        measures.note(Latency.SET_UP, time.monotonic() - self._context.clock.planned(plan))
        measures.opened()
        try:
            await asyncio.sleep(plan.length_s)
        finally:
            measures.closed()
            measures.count(Count.CALLS_ENDED)

    async def close(self) -> None:
        pass

    def _go_wrong(self) -> None:
        if self._script == KILLED:
            os.kill(os.getpid(), signal.SIGKILL)
        if self._script == HUNG:
            os.kill(os.getpid(), signal.SIGSTOP)
        if self._script == DEFECTIVE:
            raise ValueError("of our own making")


async def _run_scripted(settings: WorkerSettings) -> None:
    fleet: type[Fleet] = ScriptedFleet
    await run_worker(settings, fleet)


if __name__ == "__main__":
    with patch.object(worker, "run_worker", _run_scripted):
        sys.exit(worker.run(sys.argv[1:], os.environ))
