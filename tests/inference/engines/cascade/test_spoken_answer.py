"""Which words were heard."""

import pytest

from antiphon_proto.trunk import WordEnd
from inference.engines.cascade.spoken_answer import SpokenAnswer


@pytest.fixture
def answer() -> SpokenAnswer:
    answer = SpokenAnswer(rate=1000)
    answer.begin_piece("One two. ")
    answer.add_audio(300)
    answer.add_audio(100)
    answer.begin_piece("Three four five.")
    answer.add_audio(800)
    return answer


@pytest.mark.parametrize(
    ("played_ms", "heard"),
    [
        (0, ""),
        (150, "One"),
        (399, "One two."),
        (400, "One two. "),
        (700, "One two. Three"),
        (950, "One two. Three four"),
        (1200, "One two. Three four five."),
        (99999, "One two. Three four five."),
    ],
)
def test_heard(answer: SpokenAnswer, played_ms: int, heard: str) -> None:
    assert answer.heard(played_ms) == heard


def test_a_piece_without_audio_yet_was_not_heard(answer: SpokenAnswer) -> None:
    answer.begin_piece(" Six.")
    assert answer.heard(1200) == "One two. Three four five."
    assert answer.duration_ms == 1200
    assert answer.text == "One two. Three four five. Six."


@pytest.fixture
def timed() -> SpokenAnswer:
    """Its first word is short, and its second slow."""
    answer = SpokenAnswer(rate=1000)
    answer.begin_piece("I *absolutely* agree. ")
    answer.add_audio(1000)
    for text_end, audio_end in ((1, 100), (13, 800), (21, 950)):
        answer.add_word(text_end, audio_end)
    answer.begin_piece("Really.")
    answer.add_audio(600)
    return answer


@pytest.mark.parametrize(
    ("played_ms", "heard"),
    [
        (99, ""),
        (100, "I"),
        (799, "I"),
        (800, "I *absolutely"),
        (950, "I *absolutely* agree. "),
        (1600, "I *absolutely* agree. Really."),
    ],
)
def test_words_are_heard_when_they_are_spoken(
    timed: SpokenAnswer, played_ms: int, heard: str
) -> None:
    assert timed.heard(played_ms) == heard


def test_a_word_is_placed_in_the_whole_answer(timed: SpokenAnswer) -> None:
    assert timed.add_word(6, 500) == WordEnd(text_end=28, audio_end_ms=1500)


def test_of_a_piece_that_is_not_spoken_yet_only_words_were_heard() -> None:
    answer = SpokenAnswer(rate=1000)
    answer.begin_piece("One two three.")
    answer.add_audio(400)
    answer.add_word(3, 300)
    assert answer.heard(400) == "One"
