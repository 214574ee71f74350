import pytest

from chassis.failure_budgets import NETWORKS
from relay.failure_limiter import BURST, FAILURES_PER_SECOND, FailureLimiter

NOW = 1000.0


@pytest.fixture
def limiter() -> FailureLimiter:
    return FailureLimiter()


def fail(limiter: FailureLimiter, host: str, times: int = int(BURST), now: float = NOW) -> None:
    for _ in range(times):
        limiter.failed(host, now)


def test_knows_nobody_at_first(limiter: FailureLimiter) -> None:
    assert limiter.allows("192.0.2.1", NOW)


def test_a_burst_is_forgiven_and_no_more(limiter: FailureLimiter) -> None:
    fail(limiter, "192.0.2.1", int(BURST) - 1)
    assert limiter.allows("192.0.2.1", NOW)

    limiter.failed("192.0.2.1", NOW)
    assert not limiter.allows("192.0.2.1", NOW)


@pytest.mark.parametrize(
    ("failing", "neighbour", "stranger"),
    [
        ("192.0.2.1", "192.0.2.255", "192.0.3.1"),
        ("2001:db8::1", "2001:db8:0:ff:ffff::", "2001:db8:0:100::"),
        ("::ffff:192.0.2.1", "::ffff:203.0.113.1", "192.0.2.1"),
    ],
    ids=["/24 of ipv4", "/56 of ipv6", "mapped"],
)
def test_networks_share_a_budget(
    limiter: FailureLimiter, failing: str, neighbour: str, stranger: str
) -> None:
    fail(limiter, failing)

    assert not limiter.allows(neighbour, NOW)
    assert limiter.allows(stranger, NOW)


def test_time_refills_it(limiter: FailureLimiter) -> None:
    fail(limiter, "192.0.2.1")

    assert not limiter.allows("192.0.2.1", NOW + 0.9 / FAILURES_PER_SECOND)
    assert limiter.allows("192.0.2.1", NOW + 1.1 / FAILURES_PER_SECOND)

    fail(limiter, "192.0.2.1", now=NOW + 3600)
    assert not limiter.allows("192.0.2.1", NOW + 3600)


def test_asking_costs_nothing(limiter: FailureLimiter) -> None:
    fail(limiter, "192.0.2.1", int(BURST) - 1)

    assert all(limiter.allows("192.0.2.1", NOW) for _ in range(10))


def test_failures_beyond_the_budget_make_no_debt(limiter: FailureLimiter) -> None:
    fail(limiter, "192.0.2.1", 10 * int(BURST))

    assert limiter.allows("192.0.2.1", NOW + 1.1 / FAILURES_PER_SECOND)


def test_forgets_who_failed_longest_ago_when_there_are_too_many(limiter: FailureLimiter) -> None:
    fail(limiter, "192.0.2.1")
    fail(limiter, "198.51.100.1")
    limiter.failed("192.0.2.1", NOW)
    for number in range(NETWORKS - 1):
        limiter.failed(f"10.{number >> 8}.{number & 255}.1", NOW)

    assert not limiter.allows("192.0.2.1", NOW)
    assert limiter.allows("198.51.100.1", NOW)
