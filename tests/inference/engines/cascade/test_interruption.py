"""What takes the floor, and what is only a noise of a listener."""

import pytest

from inference.engines.cascade.interruption import LONG_MS, UNSTEADY_MS, Interruption
from inference.engines.cascade.vad import SAMPLE_RATE

BEGAN = 5 * SAMPLE_RATE


def after(milliseconds: int) -> int:
    return BEGAN + milliseconds * SAMPLE_RATE // 1000


@pytest.mark.parametrize(
    "words", ["", "mm-hm", "Mm-hmm.", "uh-huh", "Yeah, right.", "okay", "yes yes", "Hm?"]
)
def test_a_listener_who_follows_takes_no_floor(words: str) -> None:
    trial = Interruption(BEGAN)
    assert not trial.hear(words, after(600))
    assert not trial.hear(words, after(700))
    assert not trial.is_turn(words)


@pytest.mark.parametrize("words", ["stop", "No.", "okay but wait", "yeah what time is it", "42"])
def test_words_with_a_meaning_do_when_they_stand(words: str) -> None:
    trial = Interruption(BEGAN)
    assert not trial.hear(words, after(600))
    assert trial.hear(f"{words} and more", after(700))
    assert trial.is_turn(words)


def test_a_first_guess_that_is_taken_back_does_not() -> None:
    trial = Interruption(BEGAN)
    assert not trial.hear("for", after(600))
    assert not trial.hear("who are", after(700))
    assert not trial.hear("right", after(800))


def test_words_of_the_first_moment_are_not_trusted() -> None:
    trial = Interruption(BEGAN)
    assert not trial.hear("for", after(UNSTEADY_MS - 200))
    assert not trial.hear("for", after(UNSTEADY_MS - 100))
    assert trial.hear("for", after(UNSTEADY_MS))


def test_a_voice_that_goes_on_does_whatever_it_says() -> None:
    trial = Interruption(BEGAN)
    assert not trial.go_on(after(LONG_MS - 1))
    assert trial.go_on(after(LONG_MS))


def test_another_language() -> None:
    trial = Interruption(BEGAN, frozenset(["genau"]))
    assert not trial.is_turn("Genau, genau.")
    assert trial.is_turn("yeah")
