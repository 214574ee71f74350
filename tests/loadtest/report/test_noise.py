from collections.abc import Sequence

import numpy as np
import pytest

from loadtest.report.noise import BATCHES, noise_of_difference, wavering
from loadtest.result import Second


def seconds(values: Sequence[float]) -> list[Second]:
    return [
        Second(second=number, sessions=0, counts={}, latencies={}, workers_cpu=value)
        for number, value in enumerate(values)
    ]


def mean(some: Sequence[Second]) -> float | None:
    return sum(second.workers_cpu for second in some) / len(some) if some else None


def test_independent_seconds_waver_by_the_standard_error_of_their_mean() -> None:
    random = np.random.default_rng(1)
    errors = []
    for _ in range(60):
        found = wavering(seconds(random.normal(5.0, 2.0, 100).tolist()), mean)
        assert found is not None
        errors.append(found.error)
    assert np.mean(errors) == pytest.approx(2.0 / 10.0, rel=0.1)


def test_seconds_that_are_alike_waver_more_than_as_many_independent_ones() -> None:
    random = np.random.default_rng(2)
    levels = np.repeat(random.normal(5.0, 2.0, BATCHES), 10)
    alike, apart = (
        wavering(seconds(levels.tolist()), mean),
        wavering(seconds(random.permutation(levels).tolist()), mean),
    )
    assert alike is not None
    assert apart is not None
    assert alike.error > 2 * apart.error


def test_what_never_changes_does_not_waver() -> None:
    found = wavering(seconds([3.0] * 30), mean)
    assert found is not None
    assert (found.value, found.error) == (3.0, 0.0)
    assert noise_of_difference(found, found) == 0.0


@pytest.mark.parametrize("number", [0, 1, BATCHES - 1])
def test_a_run_without_ten_batches_says_nothing(number: int) -> None:
    assert wavering(seconds([1.0] * number), mean) is None


def test_batches_without_a_value_say_nothing() -> None:
    def only_begin(some: Sequence[Second]) -> float | None:
        return mean([second for second in some if second.second < 2])

    assert wavering(seconds([1.0] * 20), only_begin) is None
