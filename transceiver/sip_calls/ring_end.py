"""What becomes of calls by SIP that come in."""

from enum import Enum


class RingEnd(Enum):
    """What became of a call by SIP that came in; each value is also a metric label."""

    ACCEPTED = "accepted"
    """The application took it, or the dial plan did."""
    REJECTED = "rejected"
    """The application refused it, or the dial plan did."""
    ABANDONED = "abandoned"
    """The caller gave up."""
    TIMED_OUT = "timed_out"
    """Nobody took it in time."""
    NOT_ACCEPTABLE = "not_acceptable"
    """Its offer cannot be answered."""
    REFUSED = "refused"
    """There was no room for it, no engine, or it is beyond its caller's limits."""
    FAILED = "failed"
    """A defect in this program."""
