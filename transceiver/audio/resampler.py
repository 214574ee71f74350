"""From one sampling rate to another, a frame at a time, with a known delay.

A polyphase filter: each output sample is the product of a window of input samples and
the coefficients of its place between two of them. The filter is a sinc under a Kaiser
window that reaches `ZERO_CROSSINGS` samples of the lower rate to both sides: 2 ms at
8 kHz, and that is also the delay.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from antiphon_proto.audio_block import BYTES_PER_SAMPLE

ZERO_CROSSINGS = 16

_KAISER_BETA = 6.0
"""Images and aliases 60 dB down."""
_CUTOFF = 0.95
"""Of half the lower rate: where the response is halved."""

_LIMITS = np.iinfo(np.int16)

Floats = npt.NDArray[np.float32]


class Resampler:
    """One stream of mono PCM, signed 16 bit, little endian.

    After n input samples there were n * `to_rate` // `from_rate` output samples, always.
    They are late by `delay_s`; the first ones are of the silence before the stream.
    """

    __slots__ = ("_down", "_past", "_phase", "_reach", "_up", "delay_s")

    def __init__(self, from_rate: int, to_rate: int) -> None:
        """Raises ValueError when a rate is not above zero."""
        if from_rate <= 0 or to_rate <= 0:
            raise ValueError(f"cannot resample from {from_rate} to {to_rate} Hz")
        common = math.gcd(from_rate, to_rate)
        self._up, self._down = to_rate // common, from_rate // common
        same = self._up == self._down
        self.delay_s = 0.0 if same else _taps(self._up, self._down) / 2 / from_rate
        self._reach = _reach(self._up, self._down)
        self._past = np.zeros(self._reach, np.float32)
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
        new = len(pcm) // BYTES_PER_SAMPLE
        made = self.due(new)
        block = _block(self._up, self._down, self._phase)
        blocks = -(-made // block.made)
        samples = np.zeros(max(self._reach + new, blocks * block.step + block.width), np.float32)
        samples[: self._reach] = self._past
        samples[self._reach : self._reach + new] = np.frombuffer(pcm, "<i2")
        self._phase += new * self._up - made * self._down
        self._past = samples[new : new + self._reach].copy()
        return _pcm(block.all_of(samples, blocks)[:made])

    def reset(self) -> None:
        """Forget the past: what comes is another stream."""
        self._past = np.zeros(self._reach, np.float32)
        self._phase = 0


def _taps(up: int, down: int) -> int:
    return 2 * math.ceil(ZERO_CROSSINGS * max(1.0, down / up))


def _reach(up: int, down: int) -> int:
    """How many input samples a call's windows reach back to before its first."""
    return _taps(up, down) + math.ceil(down / up)


def _pcm(output: Floats) -> bytes:
    np.rint(output, out=output)
    np.maximum(output, _LIMITS.min, out=output)
    np.minimum(output, _LIMITS.max, out=output)
    return bytes(output.astype("<i2"))


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


@dataclass(frozen=True, slots=True)
class _Block:
    """Some output samples at once: of `width` input samples, each `step` after the block before."""

    coefficients: Floats
    """[width, made]; most are zero, and a product of matrices is the faster for it."""
    step: int

    @property
    def width(self) -> int:
        return int(self.coefficients.shape[0])

    @property
    def made(self) -> int:
        return int(self.coefficients.shape[1])

    def all_of(self, samples: Floats, blocks: int) -> Floats:
        """The output of so many blocks, the first of which begins with the first sample."""
        size = samples.itemsize
        shape, strides = (blocks, self.width), (self.step * size, size)
        windows = np.ndarray(shape, np.float32, samples, strides=strides).copy()
        output: Floats = windows @ self.coefficients
        return output.reshape(-1)


@lru_cache(maxsize=64)
def _block(up: int, down: int, phase: int) -> _Block:
    """What follows when so much is left over. Shared by all streams, most of which are alike."""
    taps, periods = _taps(up, down), max(1, _taps(up, down) // down)
    # In parts of an input sample, from the first new one: output lags by half a window.
    places = np.arange(periods * up) * down - phase
    starts = places // up + 1 + math.ceil(down / up)
    coefficients = np.zeros((int(starts[-1]) + taps, len(places)), np.float32)
    for made, (start, place) in enumerate(zip(starts, places % up, strict=True)):
        coefficients[start : start + taps, made] = _filter(up, down)[place]
    return _Block(coefficients, step=periods * down)
