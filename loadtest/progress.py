"""What a run shows while it goes on."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Glimpse:
    """A run a second long, all workers together."""

    second: int
    """Since the run's start; below 0 before it."""
    length_s: float
    """Of the whole run, as planned."""
    sessions: int
    planned_sessions: int
    calls_per_second: int
    """Set up in this second."""
    calls_set_up: int
    calls_failed: int
    set_up_p50_s: float | None
    """Over the last seconds, as all of these; None where there was nothing."""
    set_up_p99_s: float | None
    frame_lateness_p99_s: float | None
    own_lateness_p99_s: float | None
    """Of the harness itself: calls that were begun and frames that were sent late."""
    faults: tuple[str, ...]
    """That came about in this second, in words."""
    workers: int
    """That are at work."""


class Display(Protocol):
    def line(self, text: str) -> None:
        """Show a finished line."""

    def glimpse(self, glimpse: Glimpse) -> None:
        """Show how it goes."""
