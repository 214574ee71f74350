"""Why calls change their replica, and how that ended; each value is also a metric label."""

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum

from transceiver.duration_histogram import DurationHistogram
from transceiver.engine_history import COMPACT, WHOLE, HistoryBounds


class HandOffReason(Enum):
    """What made a call leave its replica."""

    LOST = "lost"
    """Its trunk broke: the replica died, hung, or cannot be reached."""
    FAILED = "failed"
    """The session ended by an error of its own."""
    DRAINING = "draining"
    """The replica is about to stop."""
    CONTEXT = "context"
    """The engine's context was nearly full: it went on with the newest part of the history."""

    @property
    def bounds(self) -> HistoryBounds:
        """How much of the conversation the next session is told."""
        return COMPACT if self is HandOffReason.CONTEXT else WHOLE


class HandOffOutcome(Enum):
    """How it ended."""

    IN_PAUSE = "in_pause"
    """The next session was warm, and took over while nobody spoke."""
    RESUMED = "resumed"
    """The next session took over at once, with what was interrupted."""
    ABANDONED = "abandoned"
    """No replica took the call, which ended."""


BOUNDS_S = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0)


@dataclass(slots=True)
class HandOffCounters:
    """Plain numbers, read at a scrape."""

    ended: Counter[tuple[HandOffReason, HandOffOutcome]] = field(default_factory=Counter)
    resumed_after: DurationHistogram = field(default_factory=lambda: DurationHistogram(BOUNDS_S))
    """From when a call was without its engine to when the next one was ready."""
