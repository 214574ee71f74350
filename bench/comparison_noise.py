"""How often `antiphon-loadtest compare` would be wrong, and ways to judge that it does not use.

`python -m bench.comparison_noise` makes up pairs of runs whose seconds vary by a tenth and take
after the one before, judges each pair in every way, and prints a table for docs/decisions.
"""

from collections.abc import Callable, Sequence
from math import exp, log, sqrt

import numpy as np
import numpy.typing as npt

from loadtest.report.comparison import LEAST_CHANGE
from loadtest.report.noise import ERRORS, noise_of_difference, wavering
from loadtest.result import Second

PAIRS = 400
SPREAD = 0.1
"""Of a second's latency, as a standard deviation of its logarithm."""
LIKENESS = (0.0, 0.5, 0.9)
"""Correlation of a second with the one before."""
LENGTHS = (30, 120)
CHANGES = (0.0, 0.2)

Values = npt.NDArray[np.float64]
Judge = Callable[[Values, Values], bool]


def seconds_of_a_run(
    random: np.random.Generator, length: int, likeness: float, change: float
) -> Values:
    """Logarithms of a latency, second by second."""
    values = np.empty(length)
    values[0] = random.normal(0.0, SPREAD)
    for second in range(1, length):
        fresh = random.normal(0.0, SPREAD * sqrt(1.0 - likeness**2))
        values[second] = likeness * values[second - 1] + fresh
    return values + log(1.0 + change)


def by_five_per_cent(before: Values, after: Values) -> bool:
    return abs(exp(after.mean() - before.mean()) - 1.0) > LEAST_CHANGE


def by_seconds(before: Values, after: Values) -> bool:
    """As if each second stood for itself."""
    error = sqrt(before.var(ddof=1) / len(before) + after.var(ddof=1) / len(after))
    return bool(abs(after.mean() - before.mean()) > ERRORS * error)


def by_batches(before: Values, after: Values) -> bool:
    first, second = wavering(_series(before), _mean), wavering(_series(after), _mean)
    assert first is not None
    assert second is not None
    return abs(second.value - first.value) > noise_of_difference(first, second)


def by_both(before: Values, after: Values) -> bool:
    return by_five_per_cent(before, after) and by_batches(before, after)


WAYS: dict[str, Judge] = {
    "5 %": by_five_per_cent,
    "seconds": by_seconds,
    "ten batches": by_batches,
    "ten batches and 5 %": by_both,
}


def _series(values: Values) -> list[Second]:
    return [
        Second(second=number, sessions=0, counts={}, latencies={}, workers_cpu=value)
        for number, value in enumerate(values.tolist())
    ]


def _mean(seconds: Sequence[Second]) -> float | None:
    return sum(second.workers_cpu for second in seconds) / len(seconds)


def share_called_changed(
    judge: Judge, length: int, likeness: float, change: float, seed: int = 1
) -> float:
    random = np.random.default_rng(seed)
    found = [
        judge(
            seconds_of_a_run(random, length, likeness, 0.0),
            seconds_of_a_run(random, length, likeness, change),
        )
        for _ in range(PAIRS)
    ]
    return sum(found) / PAIRS


def main() -> None:
    print(f"| change | seconds | likeness | {' | '.join(WAYS)} |")
    print(f"|{' --- |' * (3 + len(WAYS))}")
    for change in CHANGES:
        for length in LENGTHS:
            for likeness in LIKENESS:
                shares = [
                    f"{share_called_changed(judge, length, likeness, change):.1%}"
                    for judge in WAYS.values()
                ]
                print(f"| {change:.0%} | {length} | {likeness} | {' | '.join(shares)} |")


if __name__ == "__main__":
    main()
