"""Whether a stream of RTP comes whole, in order and on time."""

import numpy as np
from numpy.typing import NDArray

from loadtest.callers.skipped_frames import SkippedFrames
from loadtest.measures.measures import Measures
from loadtest.measures.names import Count, Latency

WINDOW_S = 30.0
"""The promptest frame is that of this one and the window before: clocks of hosts drift apart."""
FEWEST_FRAMES = 25
"""Among fewer none is known to be prompt."""
MOST_MISSING = 3000
"""A longer gap is a jump of the sender's; a minute is more than any fault may last."""

STANDSTILL_S = 1.0
"""A stream of which nothing came for so long before the hang-up stood still."""

_HALF, _SEQUENCES = 1 << 15, 1 << 16


class StreamCheck:
    """One stream, that is one SSRC, of authentic packets.

    Notes FRAMES_RECEIVED, FRAMES_LOST, FRAMES_REORDERED, FRAMES_DUPLICATED, FRAMES_ON_SCHEDULE,
    FRAMES_SKIPPED and FRAME_LATENESS, all when it is told to `settle`.
    """

    def __init__(
        self,
        measures: Measures,
        *,
        clock_rate: int,
        on_schedule_s: float,
        frame_ticks: int | None = None,
    ) -> None:
        """`frame_ticks` is from one frame to the next, of a stream that has no pauses."""
        self._measures = measures
        self._skipped = None if frame_ticks is None else SkippedFrames(frame_ticks)
        self._frame_s = (frame_ticks or 0) / clock_rate
        self.heard_at: float | None = None
        """When the last packet came, of those that were settled."""
        self._known = 0
        """Received, lost, or dropped on purpose."""
        self._on_schedule_s = on_schedule_s
        self._next: int | None = None
        self._missing: dict[int, None] = {}
        self._missing_before: set[int] = set()
        self._dropped: set[int] = set()
        self._reordered = self._duplicated = 0
        self._arrived: list[float] = []
        self._timestamps: list[int] = []
        self._promptness = _Promptness(clock_rate)

    def received(self, sequence: int, timestamp: int, arrived_at: float) -> bool:
        """A packet came; `arrived_at` is in seconds by any steady clock.

        False: it had come before, and counts as a duplicate.
        """
        if sequence == self._next:
            self._next = sequence + 1 & 0xFFFF
        elif not self._place(sequence):
            return False
        self._arrived.append(arrived_at)
        self._timestamps.append(timestamp)
        return True

    def dropped(self, sequence: int) -> None:
        """A packet was taken on purpose: it is neither received nor lost. Those that were sent
        before it may still be on their way."""
        if sequence in self._missing:
            del self._missing[sequence]
        else:
            self._dropped.add(sequence)
        self._known += 1

    def settle(self, *, final: bool = False) -> None:
        """Note what came since the last time; call it about once each second.

        What is missing counts as lost once it has been for a whole such time, or at the end.
        """
        self._settle_losses(final=final)
        count = self._measures.count
        if self._reordered:
            count(Count.FRAMES_REORDERED, self._reordered)
        if self._duplicated:
            count(Count.FRAMES_DUPLICATED, self._duplicated)
        self._reordered = self._duplicated = 0
        if self._arrived and (final or self._promptness.known or self._enough):
            self._settle_lateness()

    def end(self, at: float) -> None:
        """Hang up at that time: note what is left, and frames that were due and came no more."""
        self.settle(final=True)
        if self._skipped is not None and self.heard_at is not None:
            silent_s = at - self.heard_at
            if silent_s > STANDSTILL_S:
                self._measures.count(Count.FRAMES_SKIPPED, int(silent_s / self._frame_s))

    @property
    def _enough(self) -> bool:
        return len(self._arrived) >= FEWEST_FRAMES

    def _place(self, sequence: int) -> bool:
        """Note one that is not the next: whether it is new."""
        if self._next is None:
            self._next = sequence + 1 & 0xFFFF
            return True
        ahead = _distance(self._next, sequence)
        if ahead >= 0:
            if ahead <= MOST_MISSING:
                gap = (each & 0xFFFF for each in range(self._next, self._next + ahead))
                self._missing.update(
                    dict.fromkeys(each for each in gap if each not in self._dropped)
                )
            self._next = sequence + 1 & 0xFFFF
            return True
        if sequence in self._missing:
            del self._missing[sequence]
            self._reordered += 1
            return True
        self._duplicated += 1
        return False

    def _settle_losses(self, *, final: bool) -> None:
        gone = list(self._missing) if final else self._missing_before & self._missing.keys()
        for each in gone:
            del self._missing[each]
        self._missing_before = set(self._missing)
        upcoming = (each for each in self._dropped if _distance(self._next or 0, each) >= 0)
        self._dropped = set(upcoming)
        lost = len(gone)
        if lost:
            self._known += lost
            self._measures.count(Count.FRAMES_LOST, lost)

    def _settle_lateness(self) -> None:
        self.heard_at = self._arrived[-1]
        lateness = self._promptness.lateness(np.array(self._arrived), np.array(self._timestamps))
        self._arrived.clear()
        self._timestamps.clear()
        self._known += len(lateness)
        self._measures.count(Count.FRAMES_RECEIVED, len(lateness))
        known = self._known + len(self._missing)
        if self._skipped is not None and (
            more := self._skipped.more(self._promptness.ticks, known)
        ):
            self._measures.count(Count.FRAMES_SKIPPED, more)
        on_schedule = int(np.count_nonzero(lateness <= self._on_schedule_s))
        self._measures.count(Count.FRAMES_ON_SCHEDULE, on_schedule)
        self._measures.note_many(Latency.FRAME_LATENESS, lateness)


def _distance(earlier: int, later: int) -> int:
    """Of sequence numbers, which wrap; below 0 where it is the other way round."""
    return (later - earlier + _HALF) % _SEQUENCES - _HALF


class _Promptness:
    """How much later frames came than the promptest one, by their RTP timestamps.

    Frames lie on a grid by their timestamps: one that leaves on time comes as long after another
    as their timestamps differ.
    """

    def __init__(self, clock_rate: int) -> None:
        self._clock_rate = clock_rate
        self._last_timestamp: int | None = None
        self.ticks = 0
        """From the first timestamp to the last one."""
        self._window_from = 0.0
        self._promptest = self._promptest_before = float("inf")

    @property
    def known(self) -> bool:
        return self._last_timestamp is not None

    def lateness(
        self, arrived: NDArray[np.float64], timestamps: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """In seconds, of frames in the order in which they came."""
        offsets = arrived - self._unwrapped(timestamps) / self._clock_rate
        if arrived[-1] - self._window_from > WINDOW_S:
            self._window_from = float(arrived[-1])
            self._promptest_before, self._promptest = self._promptest, float("inf")
        self._promptest = min(self._promptest, float(offsets.min()))
        return offsets - min(self._promptest, self._promptest_before)

    def _unwrapped(self, timestamps: NDArray[np.int64]) -> NDArray[np.int64]:
        """As ticks since the first one ever, which do not wrap."""
        first = timestamps[0] if self._last_timestamp is None else self._last_timestamp
        steps = np.diff(timestamps, prepend=first).astype(np.uint32).astype(np.int32)
        ticks = self.ticks + np.cumsum(steps.astype(np.int64))
        self.ticks, self._last_timestamp = int(ticks[-1]), int(timestamps[-1])
        return ticks
