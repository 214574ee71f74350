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


def drift(
    times: Sequence[float], values: Sequence[float], besides: Sequence[float] | None = None
) -> Drift | None:
    """None of points so few that any line would do.

    What goes along with the numbers `besides` more than with time is laid to what they count.
    """
    columns = [np.asarray(times, float)]
    if besides and max(besides) > min(besides):
        columns.append(np.asarray(besides, float) / max(besides))
    if len(times) < len(columns) + 2:
        return None
    centred = [each - each.mean() for each in columns]
    matrix, y = np.column_stack([*centred, np.ones(len(times))]), np.asarray(values, float)
    inverse = np.linalg.inv(matrix.T @ matrix)
    fitted = inverse @ matrix.T @ y
    residual = y - matrix @ fitted
    variance = residual @ residual / (len(y) - matrix.shape[1])
    span = float(np.ptp(matrix[:, 0]))
    error = float(np.sqrt(variance * inverse[0, 0]))
    return Drift(float(y.mean()), float(fitted[0]) * span, error * span)
