"""Which words were heard."""

import pytest

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
