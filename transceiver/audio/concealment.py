"""Guesses lost sound by repeating the pitch period next to it, and fades the guess away.

After ITU-T G.711 Appendix I (https://www.itu.int/rec/T-REC-G.711-199909-I!AppI), without
its 3.75 ms of delay. A gap whose end has come is filled from both sides, each guess giving way
to the other; of one that has not, the seam at its end is mended when it comes.
docs/decisions/0046-telephone-speech.md has what that is worth.
"""

import numpy as np
import numpy.typing as npt

_SHORTEST_PITCH_S = 0.005
_LONGEST_PITCH_S = 0.015
_WINDOW_S = 0.020
"""How much of the past is compared with itself to find the pitch."""

_SHORTEST_END_S = 0.020
"""How much must have come behind a gap to be continued backwards: of less, no pitch is known."""

_FULL_S = 0.010
_SILENT_S = 0.060
"""A guess is as loud as what it continues up to the first, and gone at the second."""

_SEAM_S = 0.005
"""Over which a guess gives way to what follows the gap."""

Samples = npt.NDArray[np.int16]
Floats = npt.NDArray[np.float64]


class Concealment:
    """The past of one stream at `rate`, and what may follow it."""

    __slots__ = ("_concealed", "_past", "_period", "_rate")

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self.reset()

    def reset(self) -> None:
        """Forget the past."""
        self._past = np.zeros(int(self._rate * (_WINDOW_S + _LONGEST_PITCH_S)), np.int16)
        self._period = np.zeros(1)
        self._concealed = 0

    def follow(self, samples: Samples) -> Samples:
        """Take sound that arrived; returned with the seam between a guess and it mended."""
        if self._concealed:
            samples = self._mended(samples)
            self._concealed = 0
        self._remember(samples)
        return samples

    def conceal(self, count: int) -> Samples:
        """A guess at the next samples."""
        guess = self._guess(count)
        self._concealed += count
        return _rounded(guess)

    def join(self, count: int, end: Samples) -> Samples:
        """A guess at the samples between the past and `end`, which `follow` is to be given next."""
        if len(end) < int(self._rate * _SHORTEST_END_S):
            return self.conceal(count)
        back = end[: len(self._past)][::-1].astype(np.float64)
        period = _last_period(back, len(back) // 2, self._rate)
        backwards = _faded(period, 0, count, self._rate)[::-1]
        joined = _rounded(_crossfade(self._guess(count), backwards))
        self._concealed = 0
        self._remember(joined)
        return joined

    def _remember(self, samples: Samples) -> None:
        self._past = np.concatenate((self._past, samples))[-len(self._past) :]

    def _guess(self, count: int) -> Floats:
        if not self._concealed:
            past = self._past.astype(np.float64)
            self._period = _last_period(past, int(self._rate * _WINDOW_S), self._rate)
        return _faded(self._period, self._concealed, count, self._rate)

    def _mended(self, samples: Samples) -> Samples:
        seam = min(int(self._rate * _SEAM_S), len(samples))
        mended = samples.copy()
        mended[:seam] = _rounded(_crossfade(self._guess(seam), samples[:seam]))
        return mended


def _faded(period: Floats, start: int, count: int, rate: int) -> Floats:
    """The period over and over, ever more quietly, from `start` samples behind its first end."""
    at = start + np.arange(count)
    fading = (_SILENT_S - at / rate) / (_SILENT_S - _FULL_S)
    faded: Floats = period[at % len(period)] * np.clip(fading, 0, 1)
    return faded


def _last_period(past: Floats, window: int, rate: int) -> Floats:
    """The pitch period that the past ends with, its end bent to lead into its beginning."""
    pitch = _pitch(past, window, rate)
    seam = pitch // 4
    period = past[-pitch:].copy()
    period[-seam:] = _crossfade(period[-seam:], past[-pitch - seam : -pitch])
    return period


def _pitch(past: Floats, window: int, rate: int) -> int:
    """The lag in samples at which the past resembles its last `window` most."""
    longest = min(len(past) - window, int(rate * _LONGEST_PITCH_S))
    past = past[-window - longest :]
    shortest = int(rate * _SHORTEST_PITCH_S)
    power = np.concatenate(([0.0], np.cumsum(past * past)))
    # Per place at which a window may start: the longest lag's is the first.
    likeness = np.correlate(past, past[-window:])[: longest - shortest + 1]
    powers = (power[window:] - power[:-window])[: len(likeness)]
    return longest - int(np.argmax(likeness / np.sqrt(np.maximum(powers, 1.0))))


def _rounded(samples: Floats) -> Samples:
    return np.rint(samples).astype(np.int16)


def _crossfade(falling: npt.ArrayLike, rising: npt.ArrayLike) -> Floats:
    before, after = np.asarray(falling, np.float64), np.asarray(rising, np.float64)
    weight = (np.arange(len(after)) + 1) / (len(after) + 1)
    return before + weight * (after - before)
