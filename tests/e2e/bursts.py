"""A rhythm of tone bursts, and where it is found again in what came back."""

import numpy as np

from antiphon.loudness import STEP, loudness
from antiphon.wav import RATE, Samples

ONSETS_S = (0.5, 0.9, 1.6, 1.95, 2.75, 3.3)
"""No two distances are alike: a rhythm that lost or gained a burst fits nowhere."""

BURST_S = 0.15
_LOUD_DB = -35.0
_SHORTEST_PAUSE_S = 0.1


def rhythm() -> Samples:
    """The bursts, of a tone that speech codecs carry well, and a second of silence."""
    samples = np.zeros(round((ONSETS_S[-1] + 1) * RATE), dtype=np.int16)
    time = np.arange(round(BURST_S * RATE)) / RATE
    # A gliding tone with harmonics: what suppresses noise leaves it alone.
    phase = 2 * np.pi * (500 * time + 1000 * time**2)
    burst = (9000 * (np.sin(phase) + np.sin(2 * phase) / 2) * np.hanning(len(time)) ** 0.25) / 1.5
    for onset in ONSETS_S:
        start = round(onset * RATE)
        samples[start : start + len(burst)] = burst.astype(np.int16)
    return samples


def onsets(samples: Samples) -> list[float]:
    """Seconds at which sound begins after a pause."""
    levels = loudness(samples)
    return onsets_of_levels(np.arange(len(levels)) * STEP / RATE, levels)


def onsets_of_levels(times: np.ndarray, levels: np.ndarray) -> list[float]:
    """The same, from the decibels that were measured at `times`."""
    loud = times[levels > _LOUD_DB]
    if not loud.size:
        return []
    starts = np.flatnonzero(np.diff(loud) > _SHORTEST_PAUSE_S) + 1
    return [float(loud[0]), *loud[starts].tolist()]


def distances(times: list[float]) -> list[float]:
    return np.diff(times).tolist()
