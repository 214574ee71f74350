"""Least squares whose coefficients are none below 0: no work gives CPU back.

Lawson and Hanson, Solving Least Squares Problems, 1974, chapter 23 (algorithm NNLS).
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def non_negative(matrix: Array, target: Array) -> Array:
    """The x >= 0 with the least |matrix x - target|: shape (rows, columns), (rows,), (columns,)."""
    scale = np.linalg.norm(matrix, axis=0)
    scale[scale == 0.0] = 1.0
    x: Array = _solve(matrix / scale, target) / scale
    return x


def _solve(matrix: Array, target: Array) -> Array:
    columns = matrix.shape[1]
    passive = np.zeros(columns, dtype=bool)
    x = np.zeros(columns)
    tolerance = 1e-10 * max(1.0, float(np.abs(matrix.T @ target).max(initial=0.0)))
    for _ in range(3 * columns):
        gradient = matrix.T @ (target - matrix @ x)
        gradient[passive] = -np.inf
        if passive.all() or gradient.max() <= tolerance:
            break
        passive[int(gradient.argmax())] = True
        x = _inner(matrix, target, passive, x)
    return x


def _inner(matrix: Array, target: Array, passive: NDArray[np.bool_], x: Array) -> Array:
    """Fit the passive columns; those that would go below 0 leave `passive`, in place."""
    while True:
        fitted = np.zeros_like(x)
        fitted[passive] = np.linalg.lstsq(matrix[:, passive], target, rcond=None)[0]
        below = passive & (fitted <= 0.0)
        if not below.any():
            return fitted
        step = float((x[below] / np.maximum(x[below] - fitted[below], 1e-300)).min())
        x = x + step * (fitted - x)
        passive &= x > 1e-14
        x[~passive] = 0.0
