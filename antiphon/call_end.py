"""When a call that says one file has heard its answer."""

from dataclasses import dataclass

QUIET_S = 2.0
"""Silence that ends the call, once something was heard and nothing is due."""


@dataclass(frozen=True, slots=True)
class CallProgress:
    """How far a call is; times in seconds on one clock."""

    said_at: float
    """When the last sample of the file was spoken."""
    heard_at: float | None
    """When the last audible frame arrived."""
    awaits_agent: bool
    """Whether an answer is due or under way."""


def is_over(progress: CallProgress, now: float) -> bool:
    """Whether nothing more is to be expected."""
    if progress.heard_at is None or progress.awaits_agent:
        return False
    return now - max(progress.said_at, progress.heard_at) >= QUIET_S
