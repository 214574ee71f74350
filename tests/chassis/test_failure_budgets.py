import pytest

from chassis import failure_budgets
from chassis.failure_budgets import FailureBudgets

BURST = 3
PER_SECOND = 0.5


@pytest.fixture
def budgets() -> FailureBudgets:
    return FailureBudgets(BURST, PER_SECOND)


def use_up(budgets: FailureBudgets, network: bytes) -> None:
    for _ in range(BURST):
        assert budgets.allows(network, 1.0)
        budgets.failed(network, 1.0)


def test_a_network_has_a_budget_of_its_own_that_time_refills(budgets: FailureBudgets) -> None:
    use_up(budgets, b"one")
    assert not budgets.allows(b"one", 1.0)
    assert budgets.allows(b"two", 1.0)
    assert not budgets.allows(b"one", 1.0 + 0.9 / PER_SECOND)
    assert budgets.allows(b"one", 1.0 + 1.1 / PER_SECOND)


def test_failures_beyond_the_budget_make_no_debt(budgets: FailureBudgets) -> None:
    for _ in range(10 * BURST):
        budgets.failed(b"one", 1.0)
    assert budgets.allows(b"one", 1.0 + 1.1 / PER_SECOND)


def test_no_more_is_saved_up_than_a_burst(budgets: FailureBudgets) -> None:
    budgets.failed(b"one", 1.0)
    for _ in range(BURST):
        budgets.failed(b"one", 10_000.0)
    assert not budgets.allows(b"one", 10_000.0)


def test_so_many_networks_are_remembered(
    budgets: FailureBudgets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failure_budgets, "NETWORKS", 2)
    networks = b"one", b"two", b"three"
    for network in networks:
        use_up(budgets, network)
    assert [budgets.allows(network, 1.0) for network in networks] == [True, False, False]
