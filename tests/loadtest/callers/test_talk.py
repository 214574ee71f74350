import random

import pytest

from loadtest.callers.talk import Conversation, Turn
from loadtest.measures.interval import Interval
from loadtest.measures.measures import Measures
from loadtest.measures.names import Count, Latency
from loadtest.scenario.scenario import Expect, Talk, TalkModel

LENGTHS = (50, 80)
FRAME_S = 0.02


class FarSide:
    """Talks with a conversation on a clock of its own; `answers` say when there is a voice."""

    def __init__(self, talk: Talk, seed: int = 1) -> None:
        self.measures = Measures()
        self.conversation = Conversation(
            talk, LENGTHS, random.Random(seed), self.measures, starts_at=1.0
        )
        self.now = 0.0
        self.said: list[bool] = []
        self.turns: list[Turn] = []
        self.voice: set[int] = set()
        """The ticks in which the far side speaks."""

    def run(self, seconds: float, *, echo_ticks: int | None = None, answer: int = 0) -> None:
        """Echo after so many ticks, or answer each question for `answer` of them."""
        for _ in range(round(seconds / FRAME_S)):
            tick = len(self.said)
            self.now = tick * FRAME_S
            spoken = self.conversation.frame(self.now) is not None
            if answer and self.said and self.said[-1] and not spoken:
                self.voice |= set(range(tick + 25, tick + 25 + answer))
            if answer and spoken:  # Whoever is interrupted needs 200 ms to fall silent.
                self.voice = {each for each in self.voice if each <= tick + 10}
            self.said.append(spoken)
            if echo_ticks is not None and tick >= echo_ticks and self.said[tick - echo_ticks]:
                self.conversation.heard(self.now)
            if tick in self.voice:
                self.conversation.heard(self.now)
            self.turns += self.conversation.take_turns()

    def noted(self) -> Interval:
        return self.measures.take(0)


def test_continuous_speech_has_no_pause_and_is_one_turn() -> None:
    far = FarSide(Talk(model=TalkModel.CONTINUOUS))
    far.run(10, echo_ticks=10)
    far.conversation.close(far.now)

    assert far.said == [False] * 50 + [True] * 450
    noted = far.noted()
    assert noted.counts[Count.TURNS] == 1
    assert noted.latencies[Latency.VOICE_TO_VOICE].maximum == pytest.approx(0.2, rel=0.01)


def test_spurts_and_pauses_have_the_lengths_that_they_should() -> None:
    far = FarSide(Talk(model=TalkModel.ON_OFF))
    far.run(2000, echo_ticks=5)

    starts = sum(here and not before for before, here in zip(far.said, far.said[1:], strict=False))
    assert sum(far.said) * FRAME_S / starts == pytest.approx(1.004, rel=0.1)
    assert far.said.count(False) * FRAME_S / starts == pytest.approx(1.587, rel=0.1)
    noted = far.noted()
    assert 0.6 * starts < noted.counts[Count.TURNS] <= starts
    assert Count.TURNS_UNANSWERED not in noted.counts
    assert noted.latencies[Latency.VOICE_TO_VOICE].maximum == pytest.approx(0.1, rel=0.01)


def test_silence_of_the_far_side_is_unanswered_turns() -> None:
    far = FarSide(Talk(model=TalkModel.ON_OFF, patience_seconds=3))
    far.run(100)

    counts = far.noted().counts
    assert counts[Count.TURNS_UNANSWERED] == len(far.turns) > 10
    assert all(turn.answered_at is None for turn in far.turns)


def test_asks_hears_the_answer_out_and_asks_again() -> None:
    far = FarSide(Talk(model=TalkModel.TURNS, expect=Expect.ANSWER))
    far.run(60, answer=100)

    assert len(far.turns) > 5
    for turn in far.turns:
        assert turn.frames == LENGTHS[turn.utterance]
        assert turn.voiced == 100
        assert turn.answered_at is not None
        # From the end of the question's last frame, which the far side hears a tick later.
        assert turn.answered_at - turn.ended_at == pytest.approx(0.52)
    latencies = far.noted().latencies
    assert latencies[Latency.VOICE_TO_VOICE].maximum == pytest.approx(0.52, rel=0.01)


def test_an_answer_is_over_when_the_far_side_says_so() -> None:
    far = FarSide(Talk(model=TalkModel.TURNS, expect=Expect.ANSWER))
    far.conversation.frame(1.0)
    for tick in range(1, 80):
        far.conversation.frame(1.0 + tick * FRAME_S)
    far.conversation.heard(4.0)
    far.conversation.answer_over(4.1)

    (turn,) = far.conversation.take_turns()
    assert turn.answer_ended_at == 4.0


def test_interrupts_answers_and_tells_how_long_they_went_on() -> None:
    far = FarSide(Talk(model=TalkModel.TURNS, expect=Expect.ANSWER, barge_in=1.0))
    far.run(60, answer=200)

    noted = far.noted()
    assert noted.counts[Count.BARGE_INS] > 10
    assert all(turn.interrupted for turn in far.turns)
    assert noted.latencies[Latency.BARGE_IN].maximum == pytest.approx(0.2, abs=0.021)
    assert noted.latencies[Latency.VOICE_TO_VOICE].count == noted.counts[Count.BARGE_INS]


def test_a_turn_that_is_hung_up_on_is_none_that_was_not_answered() -> None:
    far = FarSide(Talk(model=TalkModel.TURNS, expect=Expect.ANSWER))
    far.run(2.5)
    far.conversation.close(far.now)

    assert Count.TURNS_UNANSWERED not in far.noted().counts
    assert far.conversation.take_turns() == []


def test_a_turn_begins_with_the_first_sound() -> None:
    measures = Measures()
    audible = [[number >= 10 for number in range(length)] for length in LENGTHS]
    talk = Talk(model=TalkModel.TURNS)
    conversation = Conversation(
        talk, LENGTHS, random.Random(1), measures, starts_at=0.0, audible=audible
    )
    for tick in range(200):
        now = 5.0 + tick * FRAME_S
        conversation.frame(now)
        if 25 <= tick < 60:
            conversation.heard(now)

    (turn,) = conversation.take_turns()
    assert turn.began_at == pytest.approx(5.2)
    assert measures.take(0).latencies[Latency.VOICE_TO_VOICE].maximum == pytest.approx(0.3, 0.01)


def test_an_echo_of_the_word_before_is_none_of_the_next_spurt() -> None:
    far = FarSide(Talk(model=TalkModel.ON_OFF, pause_seconds=0.2))
    far.run(300, echo_ticks=15)

    latencies = far.noted().latencies[Latency.VOICE_TO_VOICE]
    assert latencies.percentile(1) == pytest.approx(0.3, rel=0.01)
    assert latencies.maximum == pytest.approx(0.3, rel=0.01)


def test_a_single_sound_is_no_turn() -> None:
    measures = Measures()
    audible = [[number == 0 for number in range(length)] for length in LENGTHS]
    conversation = Conversation(
        Talk(model=TalkModel.ON_OFF, patience_seconds=1.0),
        LENGTHS,
        random.Random(1),
        measures,
        starts_at=0.0,
        audible=audible,
    )
    for tick in range(5000):
        conversation.frame(tick * FRAME_S)

    assert conversation.take_turns() == []
    assert measures.take(0).counts == {}
