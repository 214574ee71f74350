import pytest

from transceiver.webhooks.delivery import DELIVERY_S, MAX_WAIT_S, Delivery, WebhookOutcome


def test_an_event_that_is_taken_is_delivered() -> None:
    for status in 200, 204, 299:
        delivery = Delivery("evt_1", b"{}", 100.0)
        delivery.answered(status, 100.1, 0.5)
        assert delivery.outcome is WebhookOutcome.DELIVERED


@pytest.mark.parametrize("status", [None, 302, 400, 404, 429, 500, 503])
def test_waits_double_to_a_bound_until_nobody_rings_any_more(status: int | None) -> None:
    delivery, now, waits = Delivery("evt_1", b"{}", 100.0), 100.0, list[float]()
    while delivery.outcome is None:
        waits.append(delivery.answered(status, now, chance=0.0))
        now += waits[-1]
    assert waits[:6] == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0]
    assert max(waits) == MAX_WAIT_S
    assert delivery.outcome is WebhookOutcome.GIVEN_UP
    assert now - waits[-1] <= 100.0 + DELIVERY_S < now


def test_an_application_that_wants_no_more_is_not_asked_again() -> None:
    delivery = Delivery("evt_1", b"{}", 100.0)
    delivery.answered(410, 100.1, 0.0)
    assert (delivery.outcome, delivery.attempts) == (WebhookOutcome.GIVEN_UP, 1)


def test_chance_spreads_attempts() -> None:
    assert Delivery("evt_1", b"{}", 0.0).answered(None, 0.0, chance=1.0) == 0.625
