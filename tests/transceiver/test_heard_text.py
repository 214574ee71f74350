"""What of a text was heard: whole words, never more than was spoken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transceiver.heard_text import FASTEST_CHARACTERS_PER_S, heard_text

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
