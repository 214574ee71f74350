"""When each of a call's last frames went to the engine."""

from array import array
from dataclasses import dataclass

FRAMES_KEPT = 1500
"""Half a minute of 20 ms frames: endpointing takes longer than that for nobody."""


@dataclass(frozen=True, slots=True)
class ForwardedFrame:
    """An input frame on its way to the engine."""

    position_ms: int
    waited_s: float
    """From its reception on."""
    at: float


class ForwardedFrames:
    """A ring of numbers: as objects, a call's last frames would be most of its memory."""

    __slots__ = ("_newest", "_positions_ms", "_times", "_waited_s")

    def __init__(self) -> None:
        self._positions_ms = array("q")
        self._waited_s = array("f")
        self._times = array("d")
        self._newest = -1

    def add(self, position_ms: int, waited_s: float, at: float) -> None:
        """The frame from `position_ms` on went to the engine, behind those added before."""
        if len(self._times) < FRAMES_KEPT:
            self._newest += 1
            self._positions_ms.append(position_ms)
            self._waited_s.append(waited_s)
            self._times.append(at)
            return
        self._newest = newest = (self._newest + 1) % FRAMES_KEPT
        self._positions_ms[newest] = position_ms
        self._waited_s[newest] = waited_s
        self._times[newest] = at

    def last_before(self, position_ms: int) -> ForwardedFrame | None:
        """The frame with the sample just before `position_ms`; None when it is forgotten."""
        for back in range(len(self._times)):
            index = self._newest - back  # Below zero it counts from the ring's end, as wanted.
            if self._positions_ms[index] < position_ms:
                return ForwardedFrame(
                    self._positions_ms[index], self._waited_s[index], self._times[index]
                )
        return None
