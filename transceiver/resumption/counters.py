"""Plain integers that `metrics.py` reads at a scrape."""

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum


class ResumeOutcome(Enum):
    """What became of a client that came again; each value is also a metric label."""

    REPLAYED = "replayed"
    """Its session was here, or came here from the worker that held it."""
    FORWARDED = "forwarded"
    """Its session is at another worker, to which its messages are forwarded."""
    RESTORED = "restored"
    """Its session's worker is gone, and the snapshot was there."""
    NOT_FOUND = "not_found"
    """The session is over, or its snapshot is gone too."""


@dataclass(slots=True)
class ResumptionCounters:
    """Sessions that were resumed, and what is sent for the case."""

    outcomes: Counter[ResumeOutcome] = field(default_factory=Counter)
    parts_sent: int = 0
    bytes_sent: int = 0
    places_lost: int = 0
    """Times that who keeps snapshots did not answer."""
    redis_failures: int = 0
    """Times that Redis did not answer, or refused."""
    redis_answers: bool = False
    """Whether it keeps snapshots now."""
