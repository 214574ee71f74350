"""When the breaker opens, when it lets one request through, and when it closes."""

import pytest

from inference.model_server.circuit_breaker import BreakerLimits, BreakerState, CircuitBreaker

LIMITS = BreakerLimits(
    consecutive_failures=3, failure_ratio=0.5, window=8, cool_down_s=1.0, max_cool_down_s=3.0
)


@pytest.fixture
def breaker() -> CircuitBreaker:
    return CircuitBreaker(LIMITS)


def fail(breaker: CircuitBreaker, now: float, times: int = 1) -> None:
    for _ in range(times):
        assert breaker.begin(now)
        breaker.failed(now)


def test_failures_in_a_row_open_it(breaker: CircuitBreaker) -> None:
    fail(breaker, 0.0, times=2)
    assert breaker.state is BreakerState.CLOSED
    fail(breaker, 0.0)
    assert breaker.state is BreakerState.OPEN
    assert not breaker.begin(0.9)


def test_a_success_between_failures_keeps_it_closed(breaker: CircuitBreaker) -> None:
    fail(breaker, 0.0, times=2)
    breaker.succeeded()
    fail(breaker, 0.0, times=2)
    assert breaker.state is BreakerState.CLOSED


def test_half_of_many_results_open_it(breaker: CircuitBreaker) -> None:
    for _ in range(3):
        breaker.succeeded()
        fail(breaker, 0.0)
    assert breaker.state is BreakerState.CLOSED, "too few results to judge"
    breaker.succeeded()
    fail(breaker, 0.0)
    assert breaker.state is BreakerState.OPEN


def test_after_the_cool_down_one_request_tries(breaker: CircuitBreaker) -> None:
    fail(breaker, 0.0, times=3)
    assert breaker.begin(1.0)
    assert breaker.state is BreakerState.HALF_OPEN
    assert not breaker.begin(1.0)
    breaker.succeeded()
    assert breaker.state is BreakerState.CLOSED
    assert breaker.begin(1.0)
    assert breaker.begin(1.0)


def test_a_probe_that_fails_doubles_the_cool_down_up_to_a_limit(breaker: CircuitBreaker) -> None:
    fail(breaker, 0.0, times=3)
    now = 0.0
    for cool_down_s in (1.0, 2.0, 3.0, 3.0):
        assert not breaker.begin(now + cool_down_s - 0.1)
        now += cool_down_s
        fail(breaker, now)
    now += 3.0
    assert breaker.begin(now)
    breaker.succeeded()
    fail(breaker, now, times=3)
    assert breaker.begin(now + 1.0), "a success forgets the long cool-down"


def test_a_probe_that_is_given_up_makes_room_for_another(breaker: CircuitBreaker) -> None:
    fail(breaker, 0.0, times=3)
    assert breaker.begin(1.0)
    breaker.abandoned()
    assert breaker.begin(1.0)


def test_an_answer_to_an_earlier_request_closes_it(breaker: CircuitBreaker) -> None:
    assert breaker.begin(0.0)
    fail(breaker, 0.0, times=3)
    breaker.succeeded()
    assert breaker.state is BreakerState.CLOSED


def test_it_tells_of_each_change() -> None:
    changes: list[tuple[BreakerState, BreakerState]] = []
    breaker = CircuitBreaker(LIMITS, lambda old, new: changes.append((old, new)))
    fail(breaker, 0.0, times=3)
    fail(breaker, 1.0)
    assert breaker.begin(3.0)
    breaker.succeeded()
    names = [f"{old.value} {new.value}" for old, new in changes]
    assert names == [
        "closed open",
        "open half_open",
        "half_open open",
        "open half_open",
        "half_open closed",
    ]
