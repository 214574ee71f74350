"""Seconds of a run as plots show them: a few hundred points, however long the run was."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from loadtest.result import Second

MOST_POINTS = 150

Values = npt.NDArray[np.float64]


class Timeline:
    """Runs of seconds as one point each."""

    def __init__(self, series: Sequence[Second]) -> None:
        self._series = series
        self.seconds_a_point = max(1, -(-len(series) // MOST_POINTS))
        numbers = self._points([float(second.second) for second in series])
        self.seconds: Values = np.array([points.min() for points in numbers])
        """The first second of each point."""

    def mean(self, value: Callable[[Second], float | None]) -> Values:
        """NaN where there was nothing."""
        return self._reduced(value, np.mean)

    def largest(self, value: Callable[[Second], float | None]) -> Values:
        return self._reduced(value, np.max)

    def _reduced(
        self, value: Callable[[Second], float | None], reduce: Callable[[Values], float]
    ) -> Values:
        found = [value(second) for second in self._series]
        points = self._points([np.nan if one is None else one for one in found])
        known = [point[~np.isnan(point)] for point in points]
        return np.array([reduce(point) if len(point) else np.nan for point in known])

    def _points(self, values: Sequence[float]) -> list[Values]:
        every = self.seconds_a_point
        cut = [values[at : at + every] for at in range(0, len(values), every)]
        return [np.array(one, float) for one in cut]


def count_of(name: str) -> Callable[[Second], float]:
    return lambda second: float(second.counts.get(name, 0))


def percentile_of(latency: str, index: int) -> Callable[[Second], float | None]:
    """0 is the median, 1 the 99th percentile, 2 the maximum."""

    def value(second: Second) -> float | None:
        found = second.latencies.get(latency)
        return found[index] if found else None

    return value
