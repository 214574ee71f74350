"""One run: workers come, are told what to do and when, and report until the last call is over."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from antiphon_proto.loadtest.v1 import loadtest_pb2 as pb
from loadtest.callers.fleet import Target
from loadtest.coordinator.lost_calls import lost_calls
from loadtest.coordinator.roll import JoinError, Member, Roll, Stage
from loadtest.coordinator.servicer import Orders
from loadtest.interruption import done_before
from loadtest.measures.interval import Interval
from loadtest.recording import Recording
from loadtest.scenario.scenario import Scenario
from loadtest.version import VERSION
from loadtest.wire import decode_interval, encode_scenario, encode_target

LEAD_S = 0.5
"""From when the start is ordered until it is: every worker has heard of it by then."""

SILENCE_S = 10.0
"""A worker that reports nothing for so long, where it reports every second, is lost."""

STOP_S = 12.0
"""How long workers may take to hang up, and report, once they are told to."""


class CoordinatorError(Exception):
    """The run cannot begin; the text says why."""


class Coordinator:
    """A `FrontDesk`. Of one run, in one event loop."""

    def __init__(self, scenario: Scenario, target: Target, workers: int) -> None:
        """Raises OSError where the target's certificate authority cannot be read."""
        self.roll = Roll(workers)
        self.started_at = float("inf")
        """By `time.monotonic`."""
        self._scenario = scenario
        self._workers = workers
        authority = target.certificate_authority
        self._assignment = pb.Assignment(
            scenario=encode_scenario(scenario),
            target=encode_target(target, Path(authority).read_text() if authority else ""),
            workers=workers,
        )
        self._desks: dict[int, WorkerDesk] = {}
        self._recording: Recording | None = None
        self._refusal: str | None = None
        self._changed = asyncio.Event()

    def join(self, hello: pb.Hello, orders: Orders) -> "WorkerDesk":
        """Raises JoinError."""
        if hello.version != VERSION:
            raise JoinError(f"this is version {VERSION}, and not {hello.version}")
        place = hello.index if hello.HasField("index") else None
        member = self.roll.join(hello.host, place, time.monotonic())
        desk = self._desks[member.number] = WorkerDesk(self, member, orders)
        assignment = pb.Assignment()
        assignment.CopyFrom(self._assignment)
        assignment.worker = member.number
        desk.order(pb.Order(assignment=assignment))
        return desk

    async def all_ready(self) -> None:
        """Raises CoordinatorError where a worker finds that nothing could work."""
        await self._until(lambda: self.roll.complete or self._refusal is not None)
        if self._refusal is not None:
            raise CoordinatorError(self._refusal)

    def refuse(self, reason: str) -> None:
        """The run cannot begin, for this reason."""
        self._refusal = self._refusal or reason
        self._changed.set()

    def start(self, recording: Recording) -> None:
        """Order the start; from here on what workers report goes into the recording."""
        self._recording = recording
        self.started_at = time.monotonic() + LEAD_S
        self.roll.start(self.started_at)
        self._tell(pb.Order(start=pb.Start(at_seconds=self.started_at)))

    async def all_over(self, stop: asyncio.Event) -> None:
        """Until every worker has finished or is lost; at `stop` they are told to finish."""
        if not await done_before(stop, self._until(lambda: self.roll.over)):
            self._tell(pb.Order(stop=pb.Stop()))
            never = asyncio.Event()
            await done_before(never, self._until(lambda: self.roll.over), STOP_S)
        self._lose_silent(time.monotonic(), 0.0)

    def look_after(self, second: int) -> None:
        """To be called after each second: misses workers that have fallen silent."""
        self._lose_silent(time.monotonic(), SILENCE_S)
        for member in self.roll.members:
            told = member.stage is Stage.READY or member.second >= second
            if not told and self._recording is not None:
                # For the recording, which waits for what all have to tell of a second.
                self._recording.add(Interval(second), member.number)

    def send_home(self) -> None:
        """End every worker's stream."""
        for desk in self._desks.values():
            desk.end()

    def changed(self) -> None:
        self._changed.set()

    def measured(self, member: Member, interval: Interval) -> None:
        if self._recording is not None and member.stage is Stage.READY:
            self.roll.measured(member, interval, time.monotonic())
            self._recording.add(interval, member.number)

    def lost(self, member: Member, reason: str) -> None:
        """What it had in hand failed. Before the run, somebody else may take its place."""
        if not self.roll.lose(member, reason):
            return
        self._desks[member.number].end()
        if self._recording is None:
            del self._desks[member.number]
        else:
            elapsed_s = max(0.0, time.monotonic() - self.started_at)
            calls = lost_calls(self._scenario, self._workers, member, elapsed_s)
            self.roll.measured(member, calls.interval(int(elapsed_s)), time.monotonic())
            self._recording.add(calls.interval(int(elapsed_s)), member.number)
            self._recording.note(
                f"{member} was lost {elapsed_s:.0f} s into the run, for {reason}: {calls}."
            )
        self._changed.set()

    def _lose_silent(self, now: float, patience_s: float) -> None:
        for member in list(self.roll.silent(now, patience_s)):
            self.lost(member, f"nothing was heard of it for {now - member.heard_at:.0f} s")

    def _tell(self, order: pb.Order) -> None:
        for desk in self._desks.values():
            desk.order(order)

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._changed.clear()
            await self._changed.wait()


class WorkerDesk:
    """A `Desk`: what one worker reports, and what it is told."""

    def __init__(self, coordinator: Coordinator, member: Member, orders: Orders) -> None:
        self._coordinator = coordinator
        self._member = member
        self._orders = orders

    def order(self, order: pb.Order) -> None:
        self._orders.put_nowait(order)

    def end(self) -> None:
        self._orders.put_nowait(None)

    def report(self, report: pb.Report) -> None:
        """Raises WireError."""
        coordinator, member = self._coordinator, self._member
        match report.WhichOneof("kind"):
            case "ready":
                error_s = report.ready.clock_error_seconds
                coordinator.roll.ready(member, error_s, time.monotonic())
            case "measured":
                coordinator.measured(member, decode_interval(report.measured))
            case "finished":
                finished = report.finished
                coordinator.roll.finished(member, finished.unfinished, finished.overdue)
            case "failed":
                self._failed(report.failed.reason)
        coordinator.changed()

    def gone(self, reason: str) -> None:
        self._coordinator.lost(self._member, reason)

    def _failed(self, reason: str) -> None:
        self._coordinator.refuse(reason)
        self._coordinator.lost(self._member, reason)
