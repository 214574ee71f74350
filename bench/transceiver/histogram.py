"""Percentiles of what a process counted in a Prometheus histogram between two scrapes."""

import math
import re
from collections.abc import Mapping

_EDGE = re.compile(r'[{,]le="([^"]+)"')

Samples = Mapping[str, float]


class Histogram:
    """Observations in a time, by bucket."""

    def __init__(self, name: str, before: Samples, after: Samples) -> None:
        """Of the histogram `name`, all its series together, between two scrapes."""
        cumulative: dict[float, float] = {}
        for series, count in after.items():
            edge = _EDGE.search(series)
            if series.startswith(f"{name}_bucket{{") and edge:
                grown = count - before.get(series, 0.0)
                cumulative[float(edge[1])] = cumulative.get(float(edge[1]), 0.0) + grown
        self._cumulative = sorted(cumulative.items())

    @property
    def count(self) -> float:
        return self._cumulative[-1][1] if self._cumulative else 0.0

    def percentile(self, percent: float) -> float | None:
        """As if observations lay evenly within a bucket; None where there are none.

        Infinite when it lies beyond the last edge.
        """
        rank = self.count * percent / 100
        low, below = 0.0, 0.0
        for edge, through in self._cumulative:
            if through >= rank and through > below:
                if math.isinf(edge):
                    return math.inf
                return low + (edge - low) * (rank - below) / (through - below)
            low, below = edge, through
        return None
