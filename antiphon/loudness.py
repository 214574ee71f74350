"""How loud audio is, and which parts of it are voiced."""

import numpy as np
from numpy.typing import NDArray

from antiphon.wav import RATE, Samples

STEP = RATE // 200
"""Samples in one step of 5 ms, the grain of `loudness`."""

AUDIBLE_DB = -50.0
VOICED_BELOW_PEAK_DB = 35.0


def loudness(samples: Samples) -> NDArray[np.float64]:
    """Decibels below full scale of each whole step; -120 for digital silence."""
    steps = samples[: len(samples) // STEP * STEP].reshape(-1, STEP).astype(np.float64)
    power = np.mean(steps**2, axis=1) / 32768.0**2
    return np.asarray(10 * np.log10(np.maximum(power, 1e-12)))


def audible(samples: Samples) -> bool:
    """Whether somebody would hear a sound in any step of it."""
    return bool(np.any(loudness(samples) > AUDIBLE_DB))


def voiced_steps(samples: Samples) -> NDArray[np.bool_]:
    """Which steps of an utterance belong to its sound, judged against its loudest step."""
    levels = loudness(samples)
    if not levels.size:
        return np.zeros(0, dtype=np.bool_)
    threshold = max(float(levels.max()) - VOICED_BELOW_PEAK_DB, AUDIBLE_DB)
    return np.asarray(levels > threshold)
