"""Synthesised speech begins with its sound."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from inference.engines.cascade.leading_silence import INAUDIBLE, KEPT_S, LeadingSilence

RATE = 22_050
KEPT = int(RATE * KEPT_S)
SOUND = np.array([1000, 0, -1000, 0, 5], np.int16)


def silence(samples: int) -> np.ndarray:
    return np.full(samples, INAUDIBLE, np.int16)


def test_all_but_a_moment_of_the_silence_is_gone() -> None:
    leading = LeadingSilence(RATE)
    stripped = leading.strip(np.concatenate([silence(900), SOUND]))
    assert np.array_equal(stripped, np.concatenate([silence(KEPT), SOUND]))
    assert leading.stripped == 900 - KEPT


def test_a_chunk_of_silence_leaves_nothing() -> None:
    assert LeadingSilence(RATE).strip(silence(900)).size == 0


def test_a_negative_sample_is_a_sound_too() -> None:
    loudest = np.array([-32768], np.int16)
    assert np.array_equal(LeadingSilence(RATE).strip(loudest), loudest)


@given(st.integers(0, 2000), st.lists(st.integers(0, 3000), max_size=6))
def test_after_the_first_sound_everything_stays(lead: int, cuts: list[int]) -> None:
    """However the piece is cut into chunks, pauses within it included."""
    piece = np.concatenate([silence(lead), SOUND, silence(500), SOUND])
    strip = LeadingSilence(RATE).strip
    chunks = np.split(piece, sorted(min(cut, len(piece)) for cut in cuts))
    heard = np.concatenate([strip(chunk) for chunk in chunks])
    assert len(heard) - len(SOUND) * 2 - 500 <= KEPT
    assert np.array_equal(heard[-(len(SOUND) * 2 + 500) :], piece[lead:])
