"""Prepares speech for the acoustic model: its level, and a room's noise under it.

The model was trained on microphones in rooms. Digital silence between words, as
synthesised speech and noise suppression have it, and a loud, clean voice are far
from that: quieter and over a floor of 1/f noise it is understood.
docs/decisions/0007-room-tone.md has the figures.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

GAIN = 0.4
FLOOR_RMS = 110
FLOOR_EXPONENT = 1.5
"""The floor's power falls with frequency to this power."""

LOOP_SAMPLES = 1 << 16
LOWEST_HZ = 100


class RoomTone:
    """Mixes the floor under a run of samples at `rate`; the floor repeats every few seconds."""

    def __init__(self, rate: int) -> None:
        self._floor = _floor(rate)
        self._position = 0

    def mix(self, pcm: bytes) -> bytes:
        """The 16 bit samples of `pcm`, quieter and with the floor under them."""
        samples = np.frombuffer(pcm, "<i2")
        indices = np.arange(self._position, self._position + len(samples)) % LOOP_SAMPLES
        self._position = (self._position + len(samples)) % LOOP_SAMPLES
        mixed: bytes = (samples * GAIN + self._floor[indices]).astype("<i2").tobytes()
        return mixed


@cache
def _floor(rate: int) -> NDArray[np.float64]:
    """One loop of noise, shared by all sessions of a process."""
    random = np.random.default_rng(0)
    frequencies = np.fft.rfftfreq(LOOP_SAMPLES, 1 / rate)
    spectrum = random.standard_normal((2, len(frequencies))).T @ np.array([1, 1j])
    spectrum /= np.maximum(frequencies, LOWEST_HZ) ** (FLOOR_EXPONENT / 2)
    floor = np.fft.irfft(spectrum, LOOP_SAMPLES)
    level: NDArray[np.float64] = floor / np.std(floor) * FLOOR_RMS
    return level
