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
        heard_at, self._heard_at = self._heard_at, at
        if heard_at is not None and at - heard_at > GAP_S and self._by_fault(heard_at, at):
            self._measures.note(Latency.HEALING, at - heard_at)

    def close(self, at: float) -> None:
        """Hang up: what did not heal until now is a gap, too."""
        if self._heard_at is not None:
            self.heard(at)

    def _by_fault(self, since: float, until: float) -> bool:
        begun, ended = since - self._clock.started_at, until - self._clock.started_at
        return any(begun <= at + FELT_S and at <= ended for at in self._faults)
