"""A histogram of durations that costs the media path next to nothing."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate


class DurationHistogram:
    """Counts by bucket in plain integers, for a Prometheus collector to read at a scrape."""

    def __init__(self, bounds_s: Sequence[float]) -> None:
        """`bounds_s` are the buckets' upper bounds in seconds, ascending."""
        self._bounds = tuple(bounds_s)
        self._counts = [0] * (len(self._bounds) + 1)
        self.sum_s = 0.0

    def observe(self, seconds: float, count: int = 1) -> None:
        """Add `count` observations of the same duration."""
        self._counts[bisect_left(self._bounds, seconds)] += count
        self.sum_s += seconds * count

    @property
    def cumulative(self) -> list[tuple[str, int]]:
        """Each bound as text, "+Inf" last, and how many observations lie at or below it."""
        bounds = [*map(str, self._bounds), "+Inf"]
        return list(zip(bounds, accumulate(self._counts), strict=True))
