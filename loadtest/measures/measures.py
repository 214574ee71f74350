"""What the callers of one process note, cut into seconds of the run."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from loadtest.measures.histogram import Histogram
from loadtest.measures.names import Count, Failure, Latency


@dataclass(frozen=True, slots=True)
class FailedCall:
    """One that failed, for the report's list."""

    number: int
    """Of the call's plan."""
    reason: Failure
    detail: str
    """What the far side or the system said; bounded, one line, without secrets."""


@dataclass(frozen=True, slots=True)
class Interval:
    """One second of the run, of one process or of several merged."""

    second: int
    """Whole seconds since the run's start."""
    counts: Mapping[Count, int] = field(default_factory=dict)
    sessions: int = 0
    """Calls that were up at its end."""
    latencies: Mapping[Latency, Histogram] = field(default_factory=dict)
    failures: tuple[FailedCall, ...] = ()
    cpu_seconds: float = 0.0
    """That the worker process used in it."""


class Measures:
    """Callers note here; the worker takes an `Interval` each second. Not for several threads."""

    def note(self, latency: Latency, seconds: float) -> None:
        raise NotImplementedError

    def note_many(self, latency: Latency, seconds: Iterable[float]) -> None:
        raise NotImplementedError

    def count(self, what: Count, number: int = 1) -> None:
        raise NotImplementedError

    def opened(self) -> None:
        """A call is up: counts it as set up, and among the sessions until `closed`."""
        raise NotImplementedError

    def closed(self) -> None:
        """A call that was up is over; whether it ended or failed is counted apart."""
        raise NotImplementedError

    def failed(self, number: int, reason: Failure, detail: str = "") -> None:
        """Count a failed call; some of each reason are kept with their details."""
        raise NotImplementedError

    def take(self, second: int, cpu_seconds: float = 0.0) -> Interval:
        """What was noted since the last time."""
        raise NotImplementedError
