"""What faults cost a call: the times without a packet around them."""

from loadtest.callers.fleet import RunClock
from loadtest.measures.measures import Measures
from loadtest.measures.names import Latency
from loadtest.scenario.scenario import Fault

GAP_S = 0.1
"""Shorter times without a packet are lateness."""
FELT_S = 10.0
"""So long after a fault what is missing is laid to it."""


class FaultGaps:
    """Of a call that always has a packet due, as that to an echo has. Notes HEALING."""

    def __init__(self, faults: tuple[Fault, ...], clock: RunClock, measures: Measures) -> None:
        self._faults = [each.at_seconds for each in faults]
        self._clock = clock
        self._measures = measures
        self._heard_at: float | None = None

    def heard(self, at: float) -> None:
        """A packet came."""
        gap = at - (self._heard_at or at)
        self._heard_at = at
        if gap > GAP_S and self._by_fault(at):
            self._measures.note(Latency.HEALING, gap)

    def _by_fault(self, until: float) -> bool:
        since_start = until - self._clock.started_at
        return any(at <= since_start <= at + FELT_S for at in self._faults)
