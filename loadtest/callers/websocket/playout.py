"""A caller's loudspeaker: plays answers that come faster than they are spoken.

An answer begins to play when the first of its audio comes. A frame of 20 ms is due when
everything before it was played, and late by as much as it comes after that: for so long the
caller hears a gap, and all that follows is played so much later. What comes before it is due has
a lateness of 0, be it by seconds.
"""

from array import array

from loadtest.callers.speech import FRAME_S
from loadtest.measures.measures import Measures
from loadtest.measures.names import Count, Latency


class Playout:
    """Notes FRAMES_RECEIVED, FRAMES_ON_SCHEDULE and FRAME_LATENESS, when told to `settle`."""

    def __init__(self, measures: Measures, *, on_schedule_s: float) -> None:
        self._measures = measures
        self._on_schedule_s = on_schedule_s
        self._answer: str | None = None
        self._began_at = self._dry_at = float("-inf")
        self._part_s = 0.0
        """Of a frame that is not whole yet."""
        self._lateness = array("d")

    @property
    def dry_at(self) -> float:
        """When all that came will be played."""
        return self._dry_at

    def playing(self, now: float) -> bool:
        return now < self._dry_at

    def played_s(self, now: float) -> float:
        """How much of the answer was heard by now, gaps included."""
        return max(0.0, min(now, self._dry_at) - self._began_at)

    def received(self, answer: str, seconds: float, at: float) -> None:
        """Audio of a response came. Another response follows the one that plays."""
        if answer != self._answer:
            self._answer, self._part_s = answer, 0.0
            self._dry_at = self._began_at = max(at, self._dry_at)
        self._note_frames(seconds, at)
        self._dry_at = max(at, self._dry_at) + seconds

    def fall_silent(self, now: float) -> None:
        """Forget what is still to be played."""
        self._dry_at = min(now, self._dry_at)

    def settle(self) -> None:
        """Note what came since the last time."""
        lateness, self._lateness = self._lateness, array("d")
        if lateness:
            prompt = sum(1 for each in lateness if each <= self._on_schedule_s)
            self._measures.count(Count.FRAMES_RECEIVED, len(lateness))
            self._measures.count(Count.FRAMES_ON_SCHEDULE, prompt)
            self._measures.note_many(Latency.FRAME_LATENESS, lateness)

    def _note_frames(self, seconds: float, at: float) -> None:
        self._part_s += seconds
        # Half a sample more, for sums of seconds are not exact.
        frames = int((self._part_s + 2e-5) / FRAME_S)
        self._part_s -= frames * FRAME_S
        late = at - self._dry_at
        self._lateness.extend(max(0.0, late - number * FRAME_S) for number in range(frames))
