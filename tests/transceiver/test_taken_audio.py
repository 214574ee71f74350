"""Credit for what a client that plays by itself has been sent."""

from antiphon_proto.trunk import PlaybackCredit
from transceiver.taken_audio import MAX_RESPONSES, STEP_MS, TakenAudio


def test_what_was_sent_counts_once() -> None:
    taken = TakenAudio()
    taken.sent(1, 150.5)
    taken.sent(1, 50)
    assert taken.credits() == [PlaybackCredit(1, 200)]
    assert taken.credits() == []
    taken.sent(1, 100)
    assert taken.credits() == [PlaybackCredit(1, 300)]


def test_credits_are_due_in_steps() -> None:
    taken = TakenAudio()
    for _ in range(2):
        taken.sent(1, STEP_MS - 1)
        assert not taken.credit_due
        taken.sent(1, 1)
        assert taken.credit_due
        (credit,) = taken.credits()
        assert not taken.credit_due
    assert credit == PlaybackCredit(1, 2 * STEP_MS)


def test_responses_that_are_given_at_once_are_told_apart() -> None:
    taken = TakenAudio()
    taken.sent(2, 100)
    taken.sent(1, 50)
    taken.sent(2, 100)
    credits = {credit.response: credit.played_ms for credit in taken.credits()}
    assert credits == {1: 50, 2: 200}


def test_what_gave_audio_long_ago_is_forgotten() -> None:
    taken = TakenAudio()
    for response in range(1, MAX_RESPONSES + 2):
        taken.sent(response, 10)
        taken.sent(1, 10)
    responses = [credit.response for credit in taken.credits()]
    assert len(responses) == MAX_RESPONSES
    assert 1 in responses
    assert 2 not in responses
