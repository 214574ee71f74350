import math

from hypothesis import given
from hypothesis import strategies as st

from transceiver.signaling.request_rate import PERIOD_S, RequestRate


def test_a_minutes_requests_may_come_at_once_and_then_evenly() -> None:
    rate = RequestRate(0.0)
    assert [rate.spend(3, 0.0).remaining for _ in range(3)] == [2, 1, 0]
    refused = rate.spend(3, 0.0)
    assert (refused.remaining, refused.wait_s, refused.reset_s) == (0, 20.0, 60.0)
    assert rate.spend(3, 19.9).wait_s > 0
    assert rate.spend(3, 20.0).wait_s == 0
    assert rate.spend(3, 20.0).wait_s == 20.0


def test_a_pause_fills_the_bucket_and_no_more() -> None:
    rate = RequestRate(0.0)
    rate.spend(2, 0.0)
    assert rate.spend(2, 1000.0).remaining == 1


def test_another_limit_counts_from_the_next_request_on() -> None:
    rate = RequestRate(0.0)
    for _ in range(100):
        rate.spend(100, 0.0)
    assert rate.spend(1, 1.0).wait_s <= PERIOD_S
    assert rate.spend(1, 61.0).wait_s == 0


def test_the_headers_are_openais() -> None:
    assert RequestRate(0.0).spend(60, 0.0).headers == {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "59",
        "x-ratelimit-reset-requests": "1000ms",
    }


@given(st.integers(1, 10_000), st.lists(st.floats(0, 10), min_size=1, max_size=100))
def test_no_minute_lets_through_more_than_a_bucket_and_a_minutes_refill(
    limit: int, gaps: list[float]
) -> None:
    rate, now, taken = RequestRate(0.0), 0.0, []
    for gap in gaps:
        now += gap
        allowance = rate.spend(limit, now)
        assert 0 <= allowance.remaining < limit
        if allowance.wait_s == 0:
            taken.append(now)
        else:
            assert rate.spend(limit, now + allowance.wait_s + 1e-6).wait_s == 0
            now += allowance.wait_s + 1e-6
            taken.append(now)
    for first in taken:
        within = [each for each in taken if first <= each <= first + PERIOD_S]
        assert len(within) <= 2 * limit + math.ceil(1e-6 * limit)
