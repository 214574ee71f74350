"""What goes on beside the calls of a run: faults, the tiers' use of the machine, progress."""

import asyncio
import time
from types import TracebackType

from loadtest.coordinator.coordinator import Coordinator
from loadtest.deployment.deployment import Deployment
from loadtest.faults.schedule import carry_out_faults
from loadtest.glimpse import glimpse
from loadtest.progress import Display
from loadtest.recording import Recording
from loadtest.result import FaultRecord
from loadtest.scenario.scenario import Scenario

RECENT_SECONDS = 5
"""That are shown together, for a single one has too few calls to tell."""


class RunWatch:
    """From the order to start, as an async context manager."""

    def __init__(
        self,
        scenario: Scenario,
        coordinator: Coordinator,
        recording: Recording,
        deployment: Deployment | None,
        display: Display,
    ) -> None:
        self._scenario = scenario
        self._coordinator = coordinator
        self._recording = recording
        self._deployment = deployment
        self._display = display
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "RunWatch":
        faults = self._scenario.faults
        breaking = carry_out_faults(faults, self._deployment, self._clock, self._broken)
        self._tasks = [asyncio.create_task(breaking), asyncio.create_task(self._look())]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        if error is None:
            for task in self._tasks:
                if not task.cancelled():
                    task.result()

    def _clock(self) -> float:
        """Seconds since the run's start."""
        return time.monotonic() - self._coordinator.started_at

    def _broken(self, fault: FaultRecord) -> None:
        self._recording.add_fault(fault)
        what = " ".join(filter(None, (fault.action, fault.tier, fault.detail)))
        self._display.line(f"{fault.second:6.1f} s  fault: {what}")

    async def _look(self) -> None:
        """Each second, once it is over."""
        await asyncio.sleep(-self._clock())
        if self._deployment is not None:
            self._deployment.use()
        second = 0
        while True:
            await asyncio.sleep(second + 1 - self._clock())
            if self._deployment is not None:
                self._recording.add_use(second, self._deployment.use())
            self._coordinator.look_after(second)
            self._show()
            # Where this process was held up, seconds are passed over, and not caught up with.
            second = max(second + 1, int(self._clock()))

    def _show(self) -> None:
        recent = self._recording.recent(RECENT_SECONDS)
        if recent is not None:
            seconds = min(recent.second + 1, RECENT_SECONDS)
            roll = self._coordinator.roll
            self._display.glimpse(glimpse(recent, seconds, self._scenario, roll))
