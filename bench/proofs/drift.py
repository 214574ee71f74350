"""Whether something that is measured again and again drifts: a straight line through it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Drift:
    """A line fitted by least squares."""

    mean: float
    growth: float
    """Of the line, from the first point to the last."""
    error: float
    """The standard error of that."""

    @property
    def ratio(self) -> float:
        """The growth as a share of where the line begins."""
        begin = self.mean - self.growth / 2
        return self.growth / begin if begin > 0 else 0.0


def drift(times: Sequence[float], values: Sequence[float]) -> Drift | None:
    """None of less than three points, through which any line would do."""
    if len(times) < 3:
        return None
    x, y = np.asarray(times, float), np.asarray(values, float)
    x -= x.mean()
    spread = float(x @ x)
    slope = float(x @ y) / spread
    residual = y - y.mean() - slope * x
    error = float(np.sqrt(residual @ residual / (len(x) - 2) / spread))
    span = float(np.ptp(x))
    return Drift(float(y.mean()), slope * span, error * span)
