"""What callers say and hear in the tests with phones."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from antiphon.wav import RATE, Samples
from tests.e2e.encoded_audio import LIKENESS_RATE, resampled

QUESTION = "what is twelve plus thirty"
ANSWER = "Twelve plus thirty is forty two."
LONG_QUESTION = "what can you do"

SAME_WORDS = 0.82
"""Of one sentence said twice; sentences that differ in one word stay below 0.75."""
_FRAME = LIKENESS_RATE // 50
_LOWEST_HZ, _HIGHEST_HZ, _BANDS = 300, 3400, 16
_FLOOR = 1e4
"""Power of a band that nobody hears."""


def same_words(said: Samples, heard: Samples) -> bool:
    """Whether what was said is in what was heard, by the same voice."""
    return alikeness(said, heard) > SAME_WORDS


def alikeness(said: Samples, heard: Samples) -> float:
    """The correlation of their spectra over time, where it fits best; 1 is one and the same.

    Waveforms are no measure: the voice has a jitter, as human ones do.
    """
    source, target = _spectra(said), _spectra(heard)
    target = np.pad(target, ((len(source), len(source)), (0, 0)), constant_values=np.log(_FLOOR))
    starts = range(len(target) - len(source))
    return max(_correlation(source, target[at : at + len(source)]) for at in starts)


def _correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    one, other = one - one.mean(), other - other.mean()
    expense = np.sqrt((one**2).sum() * (other**2).sum())
    return float((one * other).sum() / expense) if expense else 0.0


def _spectra(samples: Samples) -> NDArray[np.float64]:
    """Logarithms of the power in bands of a telephone's range, in frames of 20 ms."""
    telephone = resampled(samples, RATE, LIKENESS_RATE).astype(np.float64)
    frames = telephone[: len(telephone) // _FRAME * _FRAME].reshape(-1, _FRAME)
    power = np.abs(np.fft.rfft(frames * np.hanning(_FRAME), axis=1)) ** 2
    hertz = np.fft.rfftfreq(_FRAME, 1 / LIKENESS_RATE)
    edges = np.linspace(_LOWEST_HZ, _HIGHEST_HZ, _BANDS + 1)
    bands = [power[:, (hertz >= low) & (hertz < high)].sum(axis=1) for low, high in pairwise(edges)]
    return np.asarray(np.log(np.maximum(np.stack(bands, axis=1), _FLOOR)))
