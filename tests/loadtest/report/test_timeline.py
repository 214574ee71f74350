import numpy as np
import pytest

from loadtest.report.timeline import MOST_POINTS, Timeline, count_of, percentile_of
from loadtest.result import Second


def seconds(number: int) -> list[Second]:
    return [
        Second(
            second=at,
            sessions=at,
            counts={"turns": at},
            latencies={} if at % 2 else {"set_up": (0.1, 0.2, float(at))},
            workers_cpu=0.0,
        )
        for at in range(number)
    ]


def test_a_short_run_has_a_point_each_second() -> None:
    timeline = Timeline(seconds(5))
    assert timeline.seconds.tolist() == [0, 1, 2, 3, 4]
    assert timeline.mean(lambda second: second.sessions).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("number", [MOST_POINTS, MOST_POINTS + 1, 1800, 86_400])
def test_a_long_run_has_no_more_points_than_a_plot_shows(number: int) -> None:
    timeline = Timeline(seconds(number))
    assert len(timeline.seconds) <= MOST_POINTS
    assert len(timeline.seconds) * timeline.seconds_a_point >= number


def test_points_have_the_mean_or_the_largest_of_their_seconds() -> None:
    timeline = Timeline(seconds(2 * MOST_POINTS))
    assert timeline.mean(count_of("turns"))[:2].tolist() == [0.5, 2.5]
    assert timeline.largest(count_of("turns"))[-1] == 2 * MOST_POINTS - 1


def test_seconds_without_a_value_do_not_count() -> None:
    maximum = percentile_of("set_up", 2)
    assert np.isnan(Timeline(seconds(3)).mean(maximum)).tolist() == [False, True, False]
    assert Timeline(seconds(2 * MOST_POINTS)).largest(maximum)[:2].tolist() == [0.0, 2.0]
