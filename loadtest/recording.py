"""A run as it happens: the intervals of all workers, faults and tiers, until they are a result."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from loadtest.measures.interval import Interval
from loadtest.result import FaultRecord, RunResult, Second
from loadtest.scenario.scenario import Scenario


@dataclass(frozen=True, slots=True)
class TierSample:
    """What one tier of a watched deployment used in one second."""

    second: int
    """Whole seconds since the run's start."""
    tier: str
    cpu: float
    """Cores."""
    memory: int
    """Resident bytes."""


class Recording:
    """Takes what came of each second, in any order; cheap to ask for the latest."""

    def __init__(
        self,
        scenario: Scenario,
        *,
        workers: int,
        started_at: datetime,
        machine: Mapping[str, str | float],
        label: str = "",
    ) -> None:
        raise NotImplementedError

    def add(self, interval: Interval, worker: int = 0) -> None:
        """One second of one worker; a second that came before is added to."""
        raise NotImplementedError

    def add_fault(self, fault: FaultRecord) -> None:
        raise NotImplementedError

    def add_sample(self, sample: TierSample) -> None:
        raise NotImplementedError

    def note(self, text: str) -> None:
        """Something that a reader of the result must know."""
        raise NotImplementedError

    @property
    def latest(self) -> Second | None:
        """The last second that all workers have told of."""
        raise NotImplementedError

    def result(self) -> RunResult:
        """All there is so far, without a verdict."""
        raise NotImplementedError
