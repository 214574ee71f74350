"""Takes the silence off the start of synthesised speech: a caller waits for the sound.

espeak-ng begins a piece with 13 to 52 ms of digital silence, before a plosive the most.
"""

import numpy as np
from numpy.typing import NDArray

INAUDIBLE = 50
"""Largest sample of what counts as silence: 56 dB below full scale."""

KEPT_S = 0.002

Samples = NDArray[np.int16]


class LeadingSilence:
    """Strips one piece at `rate`, given in chunks of 16 bit samples."""

    def __init__(self, rate: int) -> None:
        self._kept = int(rate * KEPT_S)
        self._begun = False
        self.stripped = 0
        """Samples that were taken off so far."""

    def strip(self, samples: Samples) -> Samples:
        """What is left of the chunk: nothing before the sound, all of it after."""
        if self._begun:
            return samples
        loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > INAUDIBLE)
        if not loud.size:
            self.stripped += len(samples)
            return samples[:0]
        self._begun = True
        silent = max(0, int(loud[0]) - self._kept)
        self.stripped += silent
        return samples[silent:]
