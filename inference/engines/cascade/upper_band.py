"""Gives speech from a telephone the band that the line cut off, for the acoustic model's sake.

The model was trained on speech up to 6.8 kHz; over G.711 nothing is left above 4 kHz, and
over the telephone network little above 3.4 kHz. How loud speech is up there can be told, roughly,
from its spectrum below: so loud a noise is put there, which is what fricatives are in any case.
Only while the stream has nothing there of its own.

docs/decisions/0046-telephone-speech.md has the figures; `python -m bench.narrowband.fit` makes the
weights.
"""

from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from antiphon_proto.audio_block import BYTES_PER_SAMPLE
from inference.engines.cascade.upper_band_weights import WEIGHTS

RATE = 16_000
HOP_SAMPLES = RATE // 100
HOP_BYTES = HOP_SAMPLES * BYTES_PER_SAMPLE
WINDOW_SAMPLES = 2 * HOP_SAMPLES

LOW_HZ = (200, 400, 600, 800, 1000, 1300, 1600, 2000, 2400, 2800, 3200)
"""Between them lie the bands that are looked at, below what any telephone line cuts off."""
HIGH_HZ = (3500, 4000, 4500, 5100, 5800, 6800)
"""Between them lie the bands that are made up."""

VOICE_HZ = (300, 3400)
EMPTY_HZ = (4300, 7600)
"""Where nothing comes over a telephone line."""

EMPTY_RATIO = 3e-5
"""Of the power of a bin, that where a telephone line has nothing to that of its voice: below it,
the stream comes from one."""
EMPTY_POWER = 0.2
"""What rounding to 16 bits leaves there, and some; a microphone's noise has more."""
FORGETTING = 0.995
"""A hop: the last two seconds decide."""

QUIET_POWER = 8.0
"""Added to every band's: silence has no spectrum."""

NOISE_SAMPLES = 200 * HOP_SAMPLES
_LIMITS = np.iinfo(np.int16)

Floats = NDArray[np.float32]


class UpperBand:
    """One session's; what it knows of the line is kept from one utterance to the next."""

    __slots__ = ("_before", "_gains", "_high", "_hops", "_low", "_position", "_rest")

    def __init__(self) -> None:
        self._low = self._high = self._hops = 0.0
        self._position = 0
        self.begin()

    def begin(self) -> None:
        """What follows is another utterance."""
        self._rest = b""
        self._before: Floats = np.zeros(HOP_SAMPLES, np.float32)
        self._gains: Floats = np.zeros(len(HIGH_HZ) - 1, np.float32)

    @property
    def is_telephone(self) -> bool:
        """Whether what was heard lately had nothing where a telephone line has nothing."""
        return self._high <= EMPTY_RATIO * self._low + EMPTY_POWER * self._hops

    def extend(self, pcm: bytes) -> bytes:
        """Those 16 bit samples at RATE that are due: up to 10 ms are held for the next call."""
        data = self._rest + pcm
        hops = len(data) // HOP_BYTES
        self._rest = data[hops * HOP_BYTES :]
        if not hops:
            return b""
        heard = data[: hops * HOP_BYTES]
        samples = np.concatenate((self._before, np.frombuffer(heard, "<i2").astype(np.float32)))
        self._before = samples[-HOP_SAMPLES:]
        powers = band_powers(samples)
        # One after the other: it must make no difference how the speech is cut.
        telephone = [self._judge(low, high) for low, high in powers[:, -2:].tolist()]
        if not any(telephone) and not self._gains.any():
            self._position += hops
            return heard
        gains = np.where(np.array(telephone)[:, np.newaxis], _gains(powers), np.float32(0))
        extended = samples[HOP_SAMPLES:] + self._noise(gains)
        return bytes(np.clip(extended, _LIMITS.min, _LIMITS.max).astype("<i2"))

    def _judge(self, low: float, high: float) -> bool:
        if not low and not high:
            return self.is_telephone  # Digital silence tells nothing.
        self._low = FORGETTING * self._low + low
        self._high = FORGETTING * self._high + high
        self._hops = FORGETTING * self._hops + 1
        return self.is_telephone

    def _noise(self, gains: Floats) -> Floats:
        """Noise in each band, as loud as the gains [hops, bands], from one to the next."""
        rising = (np.arange(HOP_SAMPLES, dtype=np.float32) + 1) / HOP_SAMPLES
        before = np.concatenate((self._gains[np.newaxis], gains[:-1]))
        steps = before[:, np.newaxis] + rising[:, np.newaxis] * (gains - before)[:, np.newaxis]
        places = np.arange(self._position, self._position + len(gains)) % len(_band_noise())
        self._gains = gains[-1]
        self._position += len(gains)
        noise: Floats = np.einsum("hsb,hsb->hs", steps, _band_noise()[places]).reshape(-1)
        return noise


def band_powers(samples: Floats) -> Floats:
    """Of each hop but the first with the one before it: the mean power of a bin in the low bands,
    the high bands, the telephone's voice and above it, [hops, bands].

    White noise of one variance has that power in each band.
    """
    hops = len(samples) // HOP_SAMPLES
    halves = samples.reshape(hops, HOP_SAMPLES)
    window, bands = _analysis()
    spectrum = np.fft.rfft(np.concatenate((halves[:-1], halves[1:]), axis=1) * window)
    powers: Floats = ((spectrum.real**2 + spectrum.imag**2) @ bands).astype(np.float32)
    return powers


def features(powers: Floats) -> tuple[Floats, Floats]:
    """What the weights are of: the low bands' shape with a constant, and their level.

    Logarithms; `powers` as `band_powers` gives them.
    """
    logs = np.log(powers[:, : len(LOW_HZ) - 1] + np.float32(QUIET_POWER))
    level: Floats = logs.mean(axis=1, keepdims=True)
    ones = np.ones((len(logs), 1), np.float32)
    return np.concatenate((logs - level, ones), axis=1), level


def _gains(powers: Floats) -> Floats:
    """How much louder than noise of variance 1 each high band is to become."""
    shape, level = features(powers)
    weights = np.array(WEIGHTS, np.float32)
    of_silence = np.float32(QUIET_POWER) * np.exp(weights[-1])
    wanted = np.exp(shape @ weights + level) - of_silence
    there = powers[:, len(LOW_HZ) - 1 : -2]
    gains: Floats = np.sqrt(np.maximum(wanted - there, 0))
    return gains


def _edges() -> list[tuple[int, int]]:
    return [*pairwise(LOW_HZ), *pairwise(HIGH_HZ), VOICE_HZ, EMPTY_HZ]


@cache
def _analysis() -> tuple[Floats, Floats]:
    """The window, and each band as weights of the bins, [bins, bands]."""
    window = np.sin(np.pi * (np.arange(WINDOW_SAMPLES) + 0.5) / WINDOW_SAMPLES)
    frequencies = np.fft.rfftfreq(WINDOW_SAMPLES, 1 / RATE)
    inside = [(frequencies >= low) & (frequencies < high) for low, high in _edges()]
    bands = np.stack([each / each.sum() for each in inside], axis=1) / np.sum(window**2)
    return window.astype(np.float32), bands.astype(np.float32)


@cache
def _band_noise() -> Floats:
    """What of white noise of variance 1 lies in each high band, [hops, samples, bands]; a loop."""
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal(NOISE_SAMPLES))
    frequencies = np.fft.rfftfreq(NOISE_SAMPLES, 1 / RATE)
    bands = [
        np.fft.irfft(np.where((frequencies >= low) & (frequencies < high), spectrum, 0))
        for low, high in pairwise(HIGH_HZ)
    ]
    noise: Floats = np.stack(bands, axis=1).astype(np.float32)
    return noise.reshape(-1, HOP_SAMPLES, len(bands))
