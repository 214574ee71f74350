import dataclasses

import numpy as np
import pytest

from loadtest.callers.answer_check import FLOOR_DB
from loadtest.callers.talk import Turn
from loadtest.callers.turn_judge import MOST_RESPONSES, TurnJudge
from loadtest.measures.measures import Measures
from loadtest.measures.names import Count
from loadtest.scenario.scenario import Expect, Talk, TalkModel

PATTERNS = ("four", "joke")
TURN = Turn(
    utterance=0,
    began_at=10.0,
    ended_at=12.0,
    frames=100,
    answered_at=12.5,
    answer_ended_at=14.5,
    interrupted=False,
)
AT_ONCE = dataclasses.replace(TURN, answered_at=10.3, answer_ended_at=12.3)
FRAMES = 100


def judge(expect: Expect, model: TalkModel = TalkModel.TURNS) -> tuple[TurnJudge, Measures]:
    measures = Measures()
    return TurnJudge(Talk(model=model, expect=expect), PATTERNS, measures), measures


def counted(measures: Measures) -> dict[Count, int]:
    return dict(measures.take(0).counts)


def loudness(seed: int) -> list[float]:
    return list(np.repeat(np.random.default_rng(seed).uniform(-50, -10, FRAMES // 5), 5))


def say_and_hear(told: TurnJudge, said: int, heard: int) -> None:
    """Two seconds of speech, and the same, or something else, a third of a second later."""
    for number, (mine, theirs) in enumerate(zip(loudness(said), loudness(heard), strict=True)):
        told.said(10.0 + number * 0.02, mine)
        told.heard(10.3 + number * 0.02 + number % 3 * 0.004, theirs)
    for number in range(FRAMES // 2):
        told.said(12.0 + number * 0.02, FLOOR_DB)


@pytest.mark.parametrize(
    ("transcript", "what"),
    [("It is four.", Count.TURNS_RIGHT), ("I do not know.", Count.TURNS_WRONG)],
)
def test_an_answer_is_judged_by_its_transcript(transcript: str, what: Count) -> None:
    told, measures = judge(Expect.ANSWER)
    told.responded("r", 12.5)
    told.transcribed("r", transcript, 12.6)
    told.judge(TURN)
    assert counted(measures) == {what: 1}


def test_the_answer_to_an_earlier_question_is_none_to_this() -> None:
    told, measures = judge(Expect.ANSWER)
    told.responded("r", 12.5)
    told.transcribed("r", "It is four.", 12.6)
    told.judge(TURN)
    told.responded("s", 17.5)
    told.transcribed("s", "I do not know.", 17.6)
    later = dataclasses.replace(TURN, began_at=15.0, ended_at=17.0, answered_at=17.5)
    told.judge(dataclasses.replace(later, answer_ended_at=19.0))
    assert counted(measures) == {Count.TURNS_RIGHT: 1, Count.TURNS_WRONG: 1}


def test_a_transcript_that_comes_before_its_sound_counts() -> None:
    told, measures = judge(Expect.ANSWER)
    told.transcribed("r", "It is four.", 12.4)
    told.responded("r", 12.5)
    told.judge(TURN)
    assert counted(measures) == {Count.TURNS_RIGHT: 1}


def test_without_a_transcript_an_answer_is_anything_but_an_echo() -> None:
    told, measures = judge(Expect.ANSWER)
    say_and_hear(told, 1, 2)
    told.judge(AT_ONCE)
    told, echoing = judge(Expect.ANSWER)
    say_and_hear(told, 1, 1)
    told.judge(AT_ONCE)
    assert (counted(measures), counted(echoing)) == (
        {Count.TURNS_RIGHT: 1},
        {Count.TURNS_WRONG: 1},
    )


@pytest.mark.parametrize(("heard", "what"), [(1, Count.TURNS_RIGHT), (2, Count.TURNS_WRONG)])
def test_an_echo_is_judged_by_its_loudness(heard: int, what: Count) -> None:
    told, measures = judge(Expect.ECHO, TalkModel.ON_OFF)
    say_and_hear(told, 1, heard)
    told.judge(AT_ONCE)
    assert counted(measures) == {what: 1}


@pytest.mark.parametrize("expect", Expect)
def test_what_was_interrupted_need_only_have_come(expect: Expect) -> None:
    told, measures = judge(expect)
    say_and_hear(told, 1, 2 if expect is Expect.ECHO else 1)
    told.judge(dataclasses.replace(AT_ONCE, interrupted=True))
    assert counted(measures) == {Count.TURNS_RIGHT: 1}


def test_an_echo_that_stopped_is_wrong() -> None:
    told, measures = judge(Expect.ECHO, TalkModel.CONTINUOUS)
    for number in range(5 * FRAMES):
        loud = loudness(number // FRAMES)[number % FRAMES]
        told.said(10.0 + number * 0.02, loud)
        if number < FRAMES:
            told.heard(10.3 + number * 0.02, loud)
    told.judge(dataclasses.replace(AT_ONCE, ended_at=20.0))
    assert counted(measures) == {Count.TURNS_WRONG: 1}


def test_an_echo_that_nobody_compares_need_only_have_come() -> None:
    told, measures = judge(Expect.ECHO, TalkModel.ON_OFF)
    told.judge(AT_ONCE)
    assert counted(measures) == {Count.TURNS_RIGHT: 1}


def test_an_echo_that_comes_too_late_is_something_else() -> None:
    told, measures = judge(Expect.ECHO, TalkModel.ON_OFF)
    for number, loud in enumerate(loudness(1)):
        told.said(10.0 + number * 0.02, loud)
        told.heard(13.0 + number * 0.02, loud)
    for number in range(2 * FRAMES):
        told.said(12.0 + number * 0.02, FLOOR_DB)
    told.judge(dataclasses.replace(TURN, answered_at=13.0, answer_ended_at=15.0))
    assert counted(measures) == {Count.TURNS_WRONG: 1}


def test_a_turn_that_nobody_answered_is_not_its_matter() -> None:
    told, measures = judge(Expect.ANSWER)
    told.judge(dataclasses.replace(TURN, answered_at=None, answer_ended_at=None))
    assert counted(measures) == {}


@pytest.mark.parametrize(("right_at", "what"), [(0, Count.TURNS_WRONG), (1, Count.TURNS_RIGHT)])
def test_remembers_the_latest_responses_of_a_server_that_goes_on(
    right_at: int, what: Count
) -> None:
    told, measures = judge(Expect.ANSWER)
    for number in range(MOST_RESPONSES + 1):
        told.transcribed(str(number), "It is four." if number == right_at else "What?", 12.6)
    told.judge(TURN)
    assert counted(measures) == {what: 1}
