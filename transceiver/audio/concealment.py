"""Guesses lost sound by repeating the pitch period before it, and fades the guess away.

After ITU-T G.711 Appendix I (https://www.itu.int/rec/T-REC-G.711-199909-I!AppI), without
its 3.75 ms of delay: the seam before the gap is left as it is, the one after it is mended.
"""

import numpy as np
import numpy.typing as npt

_SHORTEST_PITCH_S = 0.005
_LONGEST_PITCH_S = 0.015
_WINDOW_S = 0.020
"""How much of the past is compared with itself to find the pitch."""

_FULL_S = 0.010
_SILENT_S = 0.060
"""The guess is as loud as the past up to the first, and gone at the second."""

_SEAM_S = 0.005
"""Over which the guess gives way to what follows the gap."""

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
        self._past = np.concatenate((self._past, samples))[-len(self._past) :]
        return samples

    def conceal(self, count: int) -> Samples:
        """A guess at the next samples."""
        if not self._concealed:
            self._period = self._last_period()
        guess = self._guess(count)
        self._concealed += count
        return guess

    def _guess(self, count: int) -> Samples:
        at = self._concealed + np.arange(count)
        fading = (_SILENT_S - at / self._rate) / (_SILENT_S - _FULL_S)
        guess = self._period[at % len(self._period)] * np.clip(fading, 0, 1)
        return np.rint(guess).astype(np.int16)

    def _mended(self, samples: Samples) -> Samples:
        seam = min(int(self._rate * _SEAM_S), len(samples))
        mended = samples.copy()
        mended[:seam] = np.rint(_crossfade(self._guess(seam), samples[:seam]))
        return mended

    def _last_period(self) -> Floats:
        """The pitch period that the past ends with, its end bent to lead into its beginning."""
        pitch = self._pitch()
        seam = pitch // 4
        period = self._past[-pitch:].astype(np.float64)
        period[-seam:] = _crossfade(period[-seam:], self._past[-pitch - seam : -pitch])
        return period

    def _pitch(self) -> int:
        """The lag in samples at which the past resembles its end most."""
        past = self._past.astype(np.float64)
        window = int(self._rate * _WINDOW_S)
        longest, shortest = len(past) - window, int(self._rate * _SHORTEST_PITCH_S)
        power = np.concatenate(([0.0], np.cumsum(past * past)))
        # Per place at which a window may start: the longest lag's is the first.
        likeness = np.correlate(past, past[-window:])[: longest - shortest + 1]
        powers = (power[window:] - power[:-window])[: len(likeness)]
        return longest - int(np.argmax(likeness / np.sqrt(np.maximum(powers, 1.0))))


def _crossfade(falling: npt.ArrayLike, rising: npt.ArrayLike) -> Floats:
    before, after = np.asarray(falling, np.float64), np.asarray(rising, np.float64)
    weight = (np.arange(len(after)) + 1) / (len(after) + 1)
    return before + weight * (after - before)
