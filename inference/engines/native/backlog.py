"""What a session said that its model has not heard yet.

A model that is late catches up by itself, since a batch may run more often than
every 80 ms. What it could not catch up with is shed: silence first, for which
nobody asks again.
"""

from collections import Counter, deque
from enum import Enum

import numpy as np

from inference.engines.native.step import Samples

SOFT_FRAMES = 4
"""Beyond these, frames without voice are shed."""
HARD_FRAMES = 25
"""Beyond these 2 s, the oldest frame is shed."""
QUIET_RMS = 0.003
"""-50 dB of full scale."""


class Shed(Enum):
    """Why a frame of 80 ms was never heard by the model."""

    SILENCE = "silence"
    """Nobody spoke in it, and the model was late."""
    OVERFLOW = "overflow"
    """2 s waited already."""


class Backlog:
    """Frames in order, few of them."""

    def __init__(self, shed: Counter[Shed]) -> None:
        """`shed` counts the frames that go unheard."""
        self._shed = shed
        self._frames: deque[tuple[Samples, bool]] = deque()

    def __len__(self) -> int:
        return len(self._frames)

    def push(self, samples: Samples) -> None:
        """Add a frame; sheds what is too much."""
        quiet = float(np.sqrt(np.mean(samples * samples))) < QUIET_RMS
        self._frames.append((samples, quiet))
        if len(self._frames) > SOFT_FRAMES:
            self._shed_silence()
        if len(self._frames) > HARD_FRAMES:
            self._frames.popleft()
            self._shed[Shed.OVERFLOW] += 1

    def pop(self) -> Samples:
        """The oldest frame. Raises IndexError when there is none."""
        return self._frames.popleft()[0]

    def _shed_silence(self) -> None:
        for index, (_samples, quiet) in enumerate(self._frames):
            if quiet:
                del self._frames[index]
                self._shed[Shed.SILENCE] += 1
                return
