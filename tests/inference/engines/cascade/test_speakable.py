"""Text cut into pieces while it streams, and made fit to be spoken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.engines.cascade.speakable import (
    CLAUSE_PAUSE_MS,
    FIRST_PIECE_WORDS,
    PIECE_MAX_CHARACTERS,
    SENTENCE_PAUSE_MS,
    SpeakablePieces,
    pause_after_ms,
    spoken_text,
)


def pieces_of(*deltas: str) -> list[str]:
    cutter = SpeakablePieces()
    pieces = [piece for delta in deltas for piece in cutter.push(delta)]
    return [*pieces, cutter.finish()]


@given(st.lists(st.text(alphabet="ab .,;!?\n—", max_size=40), max_size=12))
def test_the_pieces_are_the_text(deltas: list[str]) -> None:
    pieces = pieces_of(*deltas)
    assert "".join(pieces) == "".join(deltas)
    assert all(len(piece) <= PIECE_MAX_CHARACTERS for piece in pieces)


def test_sentences_come_as_soon_as_they_end() -> None:
    cutter = SpeakablePieces()
    assert cutter.push("It is noon") == []
    assert cutter.push(". Shall") == ["It is noon. "]
    assert cutter.push(" I go on? No") == ["Shall I go on? "]
    assert cutter.finish() == "No"


def test_the_first_piece_may_be_a_clause_or_a_few_words() -> None:
    assert SpeakablePieces().push("Well, that depends") == ["Well, "]
    first = pieces_of("one two three four five six seven eight nine ten")[0]
    assert first.split() == ["one", "two", "three", "four"]
    assert len(first.split()) == FIRST_PIECE_WORDS


@pytest.mark.parametrize(
    "text", ["Dr. Smith came. ", "It is 3.5 metres. ", "J. S. Bach wrote it. "]
)
def test_not_every_dot_ends_a_sentence(text: str) -> None:
    assert pieces_of(text)[0] == text


def test_a_run_without_spaces_is_cut_all_the_same() -> None:
    assert max(map(len, pieces_of("x" * 1000))) <= PIECE_MAX_CHARACTERS


@pytest.mark.parametrize(
    ("piece", "spoken"),
    [
        ("**Bold** and `code`\n", "Bold and code"),
        ("# Title", "Title"),
        ("See [the page](https://example.org/x) now", "See the page now"),
        ("Great 🎉 news", "Great news"),
        ("¿Qué tal? 50 €", "Qué tal? 50 €"),
        ("* \n", ""),
        ("...", ""),
        ("a\0b", "a b"),
    ],
)
def test_spoken_text(piece: str, spoken: str) -> None:
    assert spoken_text(piece).text == spoken


@pytest.mark.parametrize(
    ("piece", "word", "up_to"),
    [
        ("**Bold** and `code`\n", "Bold", "**Bold"),
        ("**Bold** and `code`\n", "code", "**Bold** and `code"),
        ("See [the page](https://example.org/now) now", "now", None),
        ("Great 🎉 news", "news", None),
        ("Café naïve", "Café", "Café"),
    ],
)
def test_words_are_found_again_in_the_piece(piece: str, word: str, up_to: str | None) -> None:
    spoken = spoken_text(piece)
    end = spoken.text.index(word) + len(word)
    assert piece[: spoken.piece_end(end)] == (piece if up_to is None else up_to)
    assert spoken.piece_end(0) == 0


@pytest.mark.parametrize(
    ("piece", "pause_ms"),
    [
        ("Yes. ", SENTENCE_PAUSE_MS),
        ("Yes.", SENTENCE_PAUSE_MS),
        ("Well, ", CLAUSE_PAUSE_MS),
        ("a ", 0),
    ],
)
def test_pauses(piece: str, pause_ms: int) -> None:
    assert pause_after_ms(piece) == pause_ms
