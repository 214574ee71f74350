"""What of a text was heard: whole words, never more than was spoken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_proto.trunk import WordEnd
from transceiver.heard_text import FASTEST_CHARACTERS_PER_S, heard_text
from transceiver.word_times import WordTimes

TEN_WORDS = "one two three four five six seven eight nine ten"


@pytest.mark.parametrize(
    ("heard_ms", "audio_ms", "kept"),
    [
        (0, 4800, ""),
        (100, 4800, ""),
        (300, 4800, "one"),
        (2400, 4800, "one two three four five"),
        (4800, 4800, TEN_WORDS),
        (9000, 4800, TEN_WORDS),
    ],
)
def test_words_spread_evenly_over_the_audio(heard_ms: int, audio_ms: int, kept: str) -> None:
    assert heard_text(TEN_WORDS, heard_ms, audio_ms) == kept


def test_text_that_runs_ahead_of_its_audio_was_not_heard() -> None:
    """The engine sent a whole sentence of text, and 400 ms of its audio when it was cut."""
    assert heard_text(TEN_WORDS, 400, 400) == "one"


def test_a_single_long_word_is_not_cut_in_two() -> None:
    assert heard_text("incomprehensibilities", 500, 1000) == ""


@given(st.text(), st.integers(0, 10**6), st.floats(0, 10**6))
def test_always_a_beginning_and_never_too_fast(text: str, heard_ms: int, audio_ms: float) -> None:
    kept = heard_text(text, heard_ms, audio_ms)
    assert text.startswith(kept)
    assert len(kept) <= heard_ms * FASTEST_CHARACTERS_PER_S / 1000 + 1e-9


def times_of(*ends: tuple[int, int]) -> WordTimes:
    times = WordTimes()
    times.add(WordEnd(*end) for end in ends)
    return times


@pytest.mark.parametrize(
    ("heard_ms", "kept"),
    [
        (0, ""),
        (199, ""),
        (200, "Well,"),
        (1199, "Well,"),
        (1200, "Well, *absolutely*"),
        (1499, "Well, *absolutely*"),
        (1500, "Well, *absolutely* yes. 🎉"),
        (1900, "Well, *absolutely* yes. 🎉"),
    ],
)
def test_words_whose_ends_are_known_were_heard_when_they_ended(heard_ms: int, kept: str) -> None:
    times = times_of((5, 200), (18, 1200), (23, 1500))
    assert heard_text("Well, *absolutely* yes. 🎉", heard_ms, 1800, times) == kept


def test_behind_the_words_that_are_known_it_is_estimated() -> None:
    """A voice that tells of no words went on for one that did, and failed."""
    times = times_of((3, 1000), (7, 2000))
    assert heard_text("one two three four", 3300, 4000, times) == "one two three"


@given(st.text(), st.integers(0, 10**6), st.lists(st.tuples(st.integers(), st.integers())))
def test_whatever_an_engine_tells(text: str, heard_ms: int, ends: list[tuple[int, int]]) -> None:
    assert text.startswith(heard_text(text, heard_ms, 5000, times_of(*ends)))
