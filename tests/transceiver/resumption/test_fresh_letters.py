from transceiver.resumption.fresh_letters import MAX_AGE_S, FreshLetters
from transceiver.resumption.peer_messages import Fetch, Letter

NOW = 1_000.0


def letter(sent_at: float) -> Letter:
    return Letter(sent_at, Fetch("sess_1"))


def test_a_letter_is_heeded_once() -> None:
    letters = FreshLetters()
    for age in (MAX_AGE_S, 0.0, -MAX_AGE_S):
        nonce = str(age).encode()
        assert letters.admit(letter(NOW - age), nonce, NOW)
        assert not letters.admit(letter(NOW - age), nonce, NOW)
        assert not letters.admit(letter(NOW - age), nonce, NOW + 2 * MAX_AGE_S)


def test_one_that_is_old_or_of_the_future_is_not() -> None:
    letters = FreshLetters()
    assert not letters.admit(letter(NOW - MAX_AGE_S - 1), b"old", NOW)
    assert not letters.admit(letter(NOW + MAX_AGE_S + 1), b"new", NOW)


def test_what_is_too_old_anyway_is_forgotten() -> None:
    letters = FreshLetters()
    for number in range(1000):
        assert letters.admit(letter(NOW + number), str(number).encode(), NOW + number)
    assert len(letters) <= 2 * MAX_AGE_S + 1
