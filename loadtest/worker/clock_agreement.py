"""How two hosts agree on when a run begins: by what one clock shows, asked from the other side."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClockReading:
    """One question and its answer; all in seconds."""

    asked_at: float
    """By our clock."""
    theirs: float
    """What their clock showed somewhere between the two."""
    heard_at: float
    """By our clock."""

    @property
    def round_trip_s(self) -> float:
        return self.heard_at - self.asked_at


@dataclass(frozen=True, slots=True)
class ClockAgreement:
    """How their clock stands to ours."""

    offset_s: float
    """Theirs less ours."""
    error_s: float
    """By how much that is wrong at most."""

    @classmethod
    def of(cls, readings: Iterable[ClockReading]) -> "ClockAgreement":
        """By the reading of the shortest round trip, as NTP does: the least of it is delay.

        Raises ValueError where there are no readings.
        """
        best = min(readings, key=lambda reading: reading.round_trip_s)
        half = best.round_trip_s / 2
        return cls(best.theirs - best.asked_at - half, half)

    def ours(self, theirs: float) -> float:
        """What our clock shows when theirs shows this."""
        return theirs - self.offset_s
