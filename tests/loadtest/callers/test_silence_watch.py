import pytest

from loadtest.callers.silence_watch import SilenceWatch
from loadtest.callers.talk import Turn
from loadtest.scenario.scenario import Expect, Talk, TalkModel

UNANSWERED = Turn(utterance=0, began_at=0.0, ended_at=1.0, frames=50)


def watch(model: TalkModel, expect: Expect) -> SilenceWatch:
    return SilenceWatch(Talk(model=model, expect=expect, patience_seconds=5.0))


@pytest.mark.parametrize("expect", Expect)
def test_who_never_spoke_has_nothing_to_hear(expect: Expect) -> None:
    assert not watch(TalkModel.ON_OFF, expect).silent(100.0)


@pytest.mark.parametrize("expect", Expect)
def test_patience_ends(expect: Expect) -> None:
    watched = watch(TalkModel.ON_OFF, expect)
    watched.spoke(1.0)
    watched.spoke(4.0)
    assert (watched.silent(5.5), watched.silent(6.5)) == (False, True)


def test_an_echo_may_not_stop() -> None:
    watched = watch(TalkModel.CONTINUOUS, Expect.ECHO)
    watched.spoke(1.0)
    watched.heard()
    watched.spoke(20.0)
    assert (watched.silent(24.0), watched.silent(26.0)) == (False, True)


def test_of_answers_one_is_enough() -> None:
    watched = watch(TalkModel.TURNS, Expect.ANSWER)
    watched.spoke(1.0)
    watched.turn(UNANSWERED)
    assert watched.silent(10.0)
    watched.heard()
    assert not watched.silent(10.0)


def test_a_question_is_unanswered_when_its_turn_says_so() -> None:
    watched = watch(TalkModel.TURNS, Expect.ANSWER)
    watched.spoke(1.0)
    assert not watched.silent(10.0)
