"""The audio of a call as it arrived, on the listener's clock."""

from dataclasses import dataclass

import numpy as np

from antiphon.loudness import audible
from antiphon.wav import RATE, Samples

_LARGEST_DRIFT_S = 0.5


@dataclass(frozen=True, slots=True)
class ReceivedFrame:
    """One decoded packet."""

    arrived_at: float
    """Seconds, on the clock of whoever adds frames."""
    starts_at: float
    """When a listener without a jitter buffer hears its first sample."""
    samples: Samples
    audible: bool


class ReceivedAudio:
    """Frames keep the distances that their RTP timestamps give them.

    The first frame's arrival ties the timestamps to the clock. A frame that is far from
    where its timestamp says ties them anew: a sender may let them stand still
    while it is silent.
    """

    def __init__(self) -> None:
        self.frames: list[ReceivedFrame] = []
        self._origin: tuple[int, float] | None = None

    def add(self, timestamp: int, samples: Samples, arrived_at: float) -> None:
        """`timestamp` is the packet's 32-bit RTP timestamp, at 48 kHz."""
        starts_at = self._starts_at(timestamp, arrived_at)
        frame = ReceivedFrame(arrived_at, starts_at, samples, audible(samples))
        self.frames.append(frame)

    def first_audible_after(self, time: float) -> float | None:
        """When the first audible frame after `time` arrived."""
        return next((f.arrived_at for f in self.frames if f.audible and f.arrived_at >= time), None)

    @property
    def last_audible_at(self) -> float | None:
        """When the last audible frame so far arrived."""
        return next((f.arrived_at for f in reversed(self.frames) if f.audible), None)

    def recording(self, begins_at: float, ends_at: float) -> Samples:
        """What was heard from `begins_at` to `ends_at`, silent where nothing came."""
        samples = np.zeros(max(0, round((ends_at - begins_at) * RATE)), dtype=np.int16)
        for frame in self.frames:
            start = round((frame.starts_at - begins_at) * RATE)
            piece = frame.samples[max(0, -start) :]
            start = max(0, start)
            room = samples[start : start + len(piece)]
            room[:] = piece[: len(room)]
        return samples

    def _starts_at(self, timestamp: int, arrived_at: float) -> float:
        if self._origin is not None:
            first_timestamp, first_arrival = self._origin
            # RTP timestamps wrap: the shorter way round is the distance.
            distance = (timestamp - first_timestamp + (1 << 31)) % (1 << 32) - (1 << 31)
            starts_at = first_arrival + distance / RATE
            if abs(arrived_at - starts_at) <= _LARGEST_DRIFT_S:
                return starts_at
        self._origin = (timestamp, arrived_at)
        return arrived_at
