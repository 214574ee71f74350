"""https://www.rfc-editor.org/rfc/rfc3261#section-17.1"""

import pytest

from loadtest.callers.sip.client_transaction import TIMEOUT_S, ClientTransaction


def sent_at(transaction: ClientTransaction, until: float = 100.0) -> list[float]:
    """When it is sent again."""
    times = []
    while (now := transaction.next_at) is not None and now <= until:
        if transaction.due(now):
            times.append(now)
    return times


def test_an_invite_is_sent_at_doubling_times_and_given_up() -> None:
    transaction = ClientTransaction("INVITE", "b", b"", 0.0)
    assert sent_at(transaction) == [0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert transaction.timed_out


def test_other_requests_are_sent_each_four_seconds_at_the_latest() -> None:
    transaction = ClientTransaction("BYE", "b", b"", 0.0)
    assert sent_at(transaction) == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert transaction.timed_out


def test_an_invite_that_rings_is_not_sent_again() -> None:
    transaction = ClientTransaction("INVITE", "b", b"", 0.0)
    transaction.responded(180)
    assert transaction.next_at is None
    assert not transaction.timed_out


def test_another_request_with_a_provisional_answer_is_sent_more_seldom() -> None:
    transaction = ClientTransaction("BYE", "b", b"", 0.0)
    transaction.responded(100)
    assert sent_at(transaction, 9.0) == [0.5, 4.5, 8.5]


@pytest.mark.parametrize("method", ["INVITE", "BYE"])
def test_what_was_answered_is_over(method: str) -> None:
    transaction = ClientTransaction(method, "b", b"", 0.0)
    transaction.responded(200)
    assert transaction.next_at is None
    assert not transaction.due(TIMEOUT_S)
    assert transaction.answered
