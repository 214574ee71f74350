import pytest

pytest.importorskip("numba")

from relay.fast.moderation import new_rate, wait_s
from relay.fast.numba_code import kept


@kept
def wait(moderation_s: float, rate: float, idle_s: float) -> float:
    return wait_s(moderation_s, rate, idle_s)


@kept
def rate_after(rate: float, packets: int, elapsed_s: float) -> float:
    return new_rate(rate, packets, elapsed_s)


def test_waits_when_packets_will_gather() -> None:
    assert wait(0.001, 20_000.0, 0.0) == 0.001


def test_does_not_wait_for_next_to_nothing() -> None:
    assert wait(0.001, 3_900.0, 0.0) == 0.0


def test_does_not_wait_after_silence() -> None:
    assert wait(0.001, 20_000.0, 0.0011) == 0.0


def test_never_waits_when_told_not_to() -> None:
    assert wait(0.0, 1_000_000.0, 0.0) == 0.0


def test_the_rate_follows_the_load() -> None:
    rate = 0.0
    for _ in range(20):
        rate = rate_after(rate, 20, 0.001)
    assert rate == pytest.approx(20_000, rel=0.01)
    for _ in range(20):
        rate = rate_after(rate, 1, 0.02)
    assert rate == pytest.approx(50, rel=2)


def test_a_round_in_no_time_changes_nothing() -> None:
    assert rate_after(5.0, 10, 0.0) == 5.0
