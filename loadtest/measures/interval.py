"""One second of a run, in a form that merges over processes."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from loadtest.measures.histogram import Histogram
from loadtest.measures.names import Count, Failure, Latency

NameT = TypeVar("NameT", bound=str)

MAX_EXAMPLES = 5
"""Failed calls of one reason that are kept with their details, of each second and of a run."""


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
    """The first `MAX_EXAMPLES` of each reason."""
    cpu_seconds: float = 0.0
    """That the worker process used in it."""
    failed: Mapping[Failure, int] = field(default_factory=dict)
    """All that failed, by reason."""

    @staticmethod
    def merged(second: int, parts: Iterable["Interval"]) -> "Interval":
        """That second of several processes. The parts' histograms stay as they are."""
        parts = tuple(parts)
        latencies: dict[Latency, Histogram] = {}
        for part in parts:
            for latency, histogram in part.latencies.items():
                latencies.setdefault(latency, Histogram()).add(histogram)
        return Interval(
            second,
            sum_counts(part.counts for part in parts),
            sum(part.sessions for part in parts),
            latencies,
            bounded(failure for part in parts for failure in part.failures),
            sum(part.cpu_seconds for part in parts),
            sum_counts(part.failed for part in parts),
        )


def bounded(failures: Iterable[FailedCall]) -> tuple[FailedCall, ...]:
    """The first `MAX_EXAMPLES` of each reason."""
    seen: Counter[Failure] = Counter()
    kept = []
    for failure in failures:
        seen[failure.reason] += 1
        if seen[failure.reason] <= MAX_EXAMPLES:
            kept.append(failure)
    return tuple(kept)


def sum_counts(parts: Iterable[Mapping[NameT, int]]) -> dict[NameT, int]:
    total: Counter[NameT] = Counter()
    for part in parts:
        total.update(part)
    return dict(total)
