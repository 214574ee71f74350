"""Whether what was heard is what had to be heard.

An answer is judged by its transcript. An echo is judged by how the loudness goes up and down:
that outlives codecs, gaps and a jitter buffer, and costs nothing but the decoding, so that
callers can afford it for some of their turns.
"""

import re

import numpy as np
from numpy.typing import NDArray

from loadtest.callers.speech import FRAMES_PER_SECOND

Envelope = NDArray[np.float64]
"""Loudness, one value for each 20 ms, in dB of the full scale, of silence `FLOOR_DB`."""

FLOOR_DB = -60.0
PIECE_FRAMES = 40
"""Shorter pieces of speech look like one another."""
LIKE = 0.85
"""Two recordings of one piece correlate by more, those of two pieces seldom."""
LEAST_SHARE = 0.4
"""Of the pieces of an echo; the others have a stall in them."""

_HOP = 10
_FULL_SCALE = 32768.0


def fits(transcript: str, pattern: str) -> bool:
    """Whether an answer's transcript is one that the question's regular expression allows."""
    return re.search(pattern, transcript, re.IGNORECASE) is not None


def envelope(samples: NDArray[np.int16], rate: int) -> Envelope:
    """Of mono samples; what is left over behind the last whole 20 ms is left out."""
    length = rate // FRAMES_PER_SECOND
    whole = samples[: len(samples) // length * length].reshape(-1, length)
    power = np.mean(np.square(whole.astype(np.float64) / _FULL_SCALE), axis=1)
    loudness: Envelope = np.maximum(10 * np.log10(power + 1e-12), FLOOR_DB)
    return loudness


def echoed_share(said: Envelope, heard: Envelope) -> float | None:
    """How much of what was heard is something that was said just before: from 0 to 1.

    `said` begins earlier than `heard`, by as much as an echo may be late, and ends with it. Each
    piece of what was heard is compared by itself, for a server that stalls is later from then on.
    None where there is too little to say.
    """
    latest = len(said) - len(heard)
    if len(heard) < PIECE_FRAMES or latest < 0:
        return None
    pieces = _pieces(heard)[::_HOP]
    # A quiet piece is like every other.
    heard_at = np.flatnonzero(pieces.any(axis=1))
    if not len(heard_at):
        return 0.0
    correlations = pieces[heard_at] @ _pieces(said).T
    earlier = np.arange(correlations.shape[1]) - heard_at[:, None] * _HOP
    correlations[(earlier < 0) | (earlier > latest)] = 0.0
    return float(np.mean(correlations.max(axis=1) >= LIKE))


def is_echo(said: Envelope, heard: Envelope) -> bool | None:
    """Whether what was heard was said: see `echoed_share`."""
    share = echoed_share(said, heard)
    return None if share is None else share >= LEAST_SHARE


def _pieces(loudness: Envelope) -> NDArray[np.float64]:
    """Each run of `PIECE_FRAMES`, a row each: so that a product of two is Pearson's correlation.

    Of the running median of three, for then a single frame that was lost does not show.
    """
    padded = np.pad(loudness, 1, mode="edge")
    smooth = np.median([padded[:-2], padded[1:-1], padded[2:]], axis=0)
    rows = np.lib.stride_tricks.sliding_window_view(smooth, PIECE_FRAMES)
    rows = rows - rows.mean(axis=1, keepdims=True)
    scale = np.linalg.norm(rows, axis=1, keepdims=True)
    pieces: NDArray[np.float64] = np.divide(rows, scale, np.zeros_like(rows), where=scale > 1e-6)
    return pieces
