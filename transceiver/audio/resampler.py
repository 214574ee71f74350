"""From one sampling rate to another, a frame at a time, with a known delay.

A polyphase filter: each output sample is the product of a window of input samples and
the coefficients of its place between two of them. The filter is a sinc under a Kaiser
window that reaches `ZERO_CROSSINGS` samples of the lower rate to both sides: 2 ms at
8 kHz, and that is also the delay.
"""

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

ZERO_CROSSINGS = 16

_KAISER_BETA = 6.0
"""Images and aliases 60 dB down."""
_CUTOFF = 0.95
"""Of half the lower rate: where the response is halved."""

_LIMITS = np.iinfo(np.int16)

Floats = npt.NDArray[np.float32]
Indexes = npt.NDArray[np.intp]


class Resampler:
    """One stream of mono PCM, signed 16 bit, little endian.

    After n input samples there were n * `to_rate` // `from_rate` output samples, always.
    They are late by `delay_s`; the first ones are of the silence before the stream.
    """

    __slots__ = ("_down", "_past", "_phase", "_up", "delay_s")

    def __init__(self, from_rate: int, to_rate: int) -> None:
        """Raises ValueError when a rate is not above zero."""
        if from_rate <= 0 or to_rate <= 0:
            raise ValueError(f"cannot resample from {from_rate} to {to_rate} Hz")
        common = math.gcd(from_rate, to_rate)
        self._up, self._down = to_rate // common, from_rate // common
        same = self._up == self._down
        self.delay_s = 0.0 if same else _taps(self._up, self._down) / 2 / from_rate
        self._past = _silence(self._up, self._down)
        self._phase = 0
        """How much of an output sample the input so far left over, in parts of `_down`."""

    @property
    def period(self) -> int:
        """The fewest input samples that make a whole number of output samples."""
        return self._down

    def due(self, samples: int) -> int:
        """How many output samples the next `samples` of input make."""
        return (self._phase + samples * self._up) // self._down

    def resample(self, pcm: bytes) -> bytes:
        """The output samples that are due with these of the input."""
        if self._up == self._down:
            return pcm
        samples = np.concatenate((self._past, np.frombuffer(pcm, "<i2")))
        new = len(samples) - len(self._past)
        made = self.due(new)
        windows, coefficients = _schedule(self._up, self._down, self._phase, made)
        self._phase += new * self._up - made * self._down
        self._past = samples[new:]
        output = np.einsum("ij,ij->i", samples.take(windows), coefficients)
        np.rint(output, out=output)
        np.clip(output, _LIMITS.min, _LIMITS.max, out=output)
        return bytes(output.astype("<i2"))

    def reset(self) -> None:
        """Forget the past: what comes is another stream."""
        self._past = _silence(self._up, self._down)
        self._phase = 0


def _taps(up: int, down: int) -> int:
    return 2 * math.ceil(ZERO_CROSSINGS * max(1.0, down / up))


def _silence(up: int, down: int) -> Floats:
    """As many input samples as a call's windows reach back to before its first."""
    return np.zeros(_taps(up, down) + math.ceil(down / up), np.float32)


@lru_cache(maxsize=32)
def _filter(up: int, down: int) -> Floats:
    """The coefficients for each place between two input samples, [up, taps]."""
    taps = _taps(up, down)
    scale = min(1.0, up / down)
    time = np.arange(taps) - taps // 2 + 1 - np.arange(up)[:, np.newaxis] / up
    inside = np.maximum(0.0, 1.0 - (time * scale / ZERO_CROSSINGS) ** 2)
    coefficients = np.sinc(_CUTOFF * scale * time) * np.i0(_KAISER_BETA * np.sqrt(inside))
    coefficients[inside == 0] = 0.0
    normal: Floats = (coefficients / coefficients.sum(axis=1, keepdims=True)).astype(np.float32)
    return normal


@lru_cache(maxsize=32)
def _schedule(up: int, down: int, phase: int, made: int) -> tuple[Indexes, Floats]:
    """Where each of `made` samples takes its window from, and its coefficients: [made, taps].

    The windows are indexes into the past followed by the new input. Shared by all streams,
    for nearly all calls are alike.
    """
    # In parts of an input sample, from the first new one: output lags by half a window.
    places = np.arange(made) * down - phase
    windows = places[:, np.newaxis] // up + np.arange(_taps(up, down)) + 1 + math.ceil(down / up)
    return windows, _filter(up, down)[places % up]
