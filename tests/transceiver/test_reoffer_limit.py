from transceiver.reoffer_limit import BURST, REFILL_S, ReofferLimit


def test_a_burst_is_let_through_and_then_one_each_pause() -> None:
    limit = ReofferLimit(100.0)
    assert [limit.spend(100.0) for _ in range(BURST)] == [0.0] * BURST
    assert limit.spend(101.0) == REFILL_S - 1.0
    assert limit.spend(100.0 + REFILL_S) == 0.0
    assert limit.spend(100.0 + REFILL_S) == REFILL_S


def test_rest_fills_the_account_and_no_more_than_that() -> None:
    limit = ReofferLimit(0.0)
    later = 100 * BURST * REFILL_S
    assert [limit.spend(later) for _ in range(BURST)] == [0.0] * BURST
    assert limit.spend(later) > 0
