"""One second of a run, as more of it comes in."""

from collections import Counter
from collections.abc import Mapping

from loadtest.deployment.deployment import TierUse
from loadtest.measures.histogram import Histogram
from loadtest.measures.interval import Interval
from loadtest.measures.names import Count, Latency
from loadtest.result import Second

Figures = tuple[float, float, float]
"""p50, p99 and maximum, in seconds."""


class RecordedSecond:
    """Takes intervals of the same second, and gives what they come to.

    A histogram takes 190 kB, and a soak has thousands of seconds: a `seal`ed one keeps them
    encoded, in a hundredth of that. It still takes what comes late.
    """

    def __init__(self, second: int) -> None:
        self._second = second
        self._sessions: dict[int, int] = {}
        self._counts: Counter[Count] = Counter()
        self._cpu_seconds = 0.0
        self._latencies: dict[Latency, Histogram] = {}
        self._sealed: dict[Latency, tuple[bytes, Figures]] = {}
        self.use = TierUse()

    def add(self, interval: Interval, worker: int) -> None:
        self._sessions[worker] = interval.sessions
        self._counts.update(interval.counts)
        self._cpu_seconds += interval.cpu_seconds
        for latency, histogram in interval.latencies.items():
            self._histogram(latency).add(histogram)

    @property
    def workers(self) -> int:
        """That told of it."""
        return len(self._sessions)

    @property
    def sessions(self) -> int:
        return sum(self._sessions.values())

    def seal(self) -> None:
        for latency, histogram in self._latencies.items():
            self._sealed[latency] = (histogram.encode(), _figures(histogram))
        self._latencies.clear()

    def interval(self) -> Interval:
        """All of it but what failed; of one that is not sealed."""
        return Interval(
            self._second,
            self._counts,
            self.sessions,
            self._latencies,
            cpu_seconds=self._cpu_seconds,
        )

    def record(self) -> Second:
        figures = {latency: sealed for latency, (_, sealed) in self._sealed.items()}
        figures |= {latency: _figures(each) for latency, each in self._latencies.items()}
        return Second(
            second=self._second,
            sessions=self.sessions,
            counts=_in_order(self._counts),
            latencies={name.value: figures[name] for name in Latency if name in figures},
            workers_cpu=self._cpu_seconds,
            tiers_cpu=dict(self.use.cpu),
            tiers_memory=dict(self.use.memory),
        )

    def _histogram(self, latency: Latency) -> Histogram:
        if latency in self._sealed:
            encoded, _ = self._sealed.pop(latency)
            self._latencies[latency] = Histogram.decode(encoded)
        return self._latencies.setdefault(latency, Histogram())


def _in_order(counts: Mapping[Count, int]) -> dict[str, int]:
    return {name.value: counts[name] for name in Count if counts.get(name)}


def _figures(histogram: Histogram) -> Figures:
    p50, p99 = histogram.percentile(50), histogram.percentile(99)
    return p50 or 0.0, p99 or 0.0, histogram.maximum or 0.0
