"""Durations by bucket, as Prometheus counts them: bounds are inclusive and cumulative."""

import pytest

from transceiver.duration_histogram import DurationHistogram


def test_buckets_are_cumulative_and_their_bounds_inclusive() -> None:
    histogram = DurationHistogram((0.001, 0.005))
    for seconds in (0.0, 0.001, 0.0011, 0.005, 0.2):
        histogram.observe(seconds)
    assert histogram.cumulative == [("0.001", 2), ("0.005", 4), ("+Inf", 5)]


def test_several_of_one_duration_count_each() -> None:
    histogram = DurationHistogram((0.001,))
    histogram.observe(0.5, 4)
    assert histogram.cumulative[-1] == ("+Inf", 4)
    assert histogram.sum_s == pytest.approx(2.0)


def test_early_is_in_the_first_bucket() -> None:
    histogram = DurationHistogram((0.001,))
    histogram.observe(-0.1)
    assert histogram.cumulative == [("0.001", 1), ("+Inf", 1)]
