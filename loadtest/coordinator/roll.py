"""Which workers there are, and how far each of them is."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from loadtest.measures.interval import Interval
from loadtest.measures.names import Count


class Stage(Enum):
    JOINED = "joined"
    READY = "ready"
    """Waits for the start, or is at work since."""
    FINISHED = "finished"
    LOST = "lost"
    """Ended, failed or fell silent before its calls were over."""


@dataclass(slots=True)
class Member:
    """One worker."""

    number: int
    """Which share of the calls is its own."""
    host: str
    stage: Stage = Stage.JOINED
    reason: str = ""
    """Why it is lost."""
    clock_error_s: float = 0.0
    heard_at: float = 0.0
    """When it last reported, by the coordinator's clock."""
    second: int = -1
    """The last one that it told of."""
    calls_started: int = 0
    calls_over: int = 0
    """Ended or failed."""
    calls_failed: int = 0
    unfinished: int = 0
    overdue: int = 0

    def __str__(self) -> str:
        return f"worker {self.number} on {self.host}"


class JoinError(Exception):
    """This worker is not wanted; the text says why."""


class Roll:
    """Of a run with so many places. `now` is the coordinator's clock, in seconds."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._members: dict[int, Member] = {}
        self._started = False

    def join(self, host: str, place: int | None, now: float) -> Member:
        """Give it this place, or any. Raises JoinError."""
        if self._started:
            raise JoinError("the run has begun")
        if place is None:
            place = next((n for n in range(self._places) if n not in self._members), None)
        if place is None or not 0 <= place < self._places or place in self._members:
            raise JoinError(f"all places of {self._places} are taken, or this one is none of them")
        self._members[place] = member = Member(place, host, heard_at=now)
        return member

    def ready(self, member: Member, clock_error_s: float, now: float) -> None:
        """Once: who is lost or has finished stays so."""
        if member.stage is Stage.JOINED:
            member.stage, member.clock_error_s, member.heard_at = Stage.READY, clock_error_s, now

    def start(self, now: float) -> None:
        """From here on nobody joins, and who is silent is missed."""
        self._started = True
        for member in self._members.values():
            member.heard_at = now

    def measured(self, member: Member, interval: Interval, now: float) -> None:
        member.heard_at, member.second = now, max(member.second, interval.second)
        counts = interval.counts
        failed = counts.get(Count.CALLS_FAILED, 0)
        member.calls_failed += failed
        member.calls_over += counts.get(Count.CALLS_ENDED, 0) + failed
        member.calls_started += counts.get(Count.CALLS_STARTED, 0)

    def finished(self, member: Member, unfinished: int, overdue: int) -> None:
        if member.stage is Stage.READY:
            member.stage, member.unfinished, member.overdue = Stage.FINISHED, unfinished, overdue

    def lose(self, member: Member, reason: str) -> bool:
        """Returns whether it was missed: it was still to report. Its place is free before a run."""
        if member.stage in (Stage.FINISHED, Stage.LOST):
            return False
        member.stage, member.reason = Stage.LOST, reason
        if not self._started:
            del self._members[member.number]
        return True

    def silent(self, now: float, patience_s: float) -> Iterator[Member]:
        """Members at work that have not reported for so long."""
        for member in self._members.values():
            if member.stage is Stage.READY and now - member.heard_at > patience_s:
                yield member

    @property
    def members(self) -> list[Member]:
        return [self._members[number] for number in sorted(self._members)]

    @property
    def present(self) -> int:
        """How many are ready or at work."""
        return sum(member.stage is Stage.READY for member in self._members.values())

    @property
    def complete(self) -> bool:
        """Whether everybody is ready."""
        return self.present == self._places

    @property
    def over(self) -> bool:
        """Whether nobody is at work any more."""
        return self.present == 0
