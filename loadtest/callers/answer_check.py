"""Whether what was heard is what had to be heard.

An answer is judged by its transcript. An echo is judged by how the loudness goes up and down:
that outlives codecs, gaps and a jitter buffer, and costs nothing but the decoding, so that
callers can afford it for some of their turns.
"""

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Envelope = NDArray[np.float64]
"""Loudness, one value for each 20 ms, in dB of the full scale, of silence `FLOOR_DB`."""

FRAMES_PER_SECOND = 50
FLOOR_DB = -60.0
LEAST_FRAMES = 40
"""Shorter pieces of speech look like one another."""
MOST_MISSED = 25
"""The path may have come up while something was said already."""
LIKE = 0.8
"""Two recordings of one thing correlate by more, recordings of two things by less."""

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


def likeness(said: Envelope, heard: Envelope, most_delay: int = 50) -> float | None:
    """Pearson's correlation of the two where they are shifted so that they fit best: 1 for the
    same, about 0 for two that have nothing to do with one another.

    `most_delay` is by how many frames what was heard may be behind what was said. It may begin by
    up to `MOST_MISSED` frames later in what was said: that much was not heard. None where there is
    too little to say.
    """
    if min(len(said), len(heard)) < LEAST_FRAMES:
        return None
    said, heard = _without_gaps(said), _without_gaps(heard)
    likenesses = [
        _correlation(said[missed : missed + shared], heard[delay : delay + shared])
        for missed, delay in _shifts(most_delay)
        if (shared := min(len(said) - missed, len(heard) - delay)) >= LEAST_FRAMES
        and 2 * shared >= len(said)
    ]
    return max(likenesses, default=None)


def is_echo(said: Envelope, heard: Envelope, most_delay: int = 50) -> bool | None:
    """Whether what was heard is what was said; None where there is too little to say."""
    found = likeness(said, heard, most_delay)
    return None if found is None else found >= LIKE


def _shifts(most_delay: int) -> Iterator[tuple[int, int]]:
    """Frames to leave out of what was said, and of what was heard."""
    yield from ((missed, 0) for missed in range(MOST_MISSED, 0, -1))
    yield from ((0, delay) for delay in range(most_delay + 1))


def _without_gaps(loudness: Envelope) -> Envelope:
    """Its running median of three: a single frame that was lost does not show."""
    padded = np.pad(loudness, 1, mode="edge")
    smooth: Envelope = np.median([padded[:-2], padded[1:-1], padded[2:]], axis=0)
    return smooth


def _correlation(one: Envelope, other: Envelope) -> float:
    one, other = one - one.mean(), other - other.mean()
    scale = float(np.sqrt(np.dot(one, one) * np.dot(other, other)))
    return float(np.dot(one, other)) / scale if scale else 0.0
