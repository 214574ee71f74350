"""What a search for the largest load found: the JSON twin of its part of the report."""

import msgspec

from loadtest.result import LevelRecord


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One load that was tried, in one run."""

    sessions: int
    held: bool
    repeat: bool = False
    """Whether it had failed before."""
    failed: tuple[LevelRecord, ...] = ()
    """The service levels that it did not hold, the most exceeded first."""
    failures: dict[str, int] = {}
    """Calls that failed, by reason."""
    peak_sessions: int = 0
    tiers_cpu: dict[str, float] = {}
    """Cores, on the average of the time after the ramp."""
    workers_cpu: float = 0.0
    """Cores that the load's own processes used."""
    harness_late: bool = False
    """Whether the load itself was late, which is no fault of what was tested."""


class TierShare(msgspec.Struct, frozen=True, kw_only=True):
    """What a tier did at the largest load that held."""

    tier: str
    cores: float
    available: float
    """Cores that it could have used at the most: one a worker process."""
    sessions_a_core: float | None
    """If its CPU were all that mattered; None where it used none."""

    @property
    def busy(self) -> float:
        return self.cores / self.available


class CapacityResult(msgspec.Struct, frozen=True, kw_only=True):
    """A search."""

    schema: int = 1
    scenario: str
    started_at: str
    machine: dict[str, str | float]
    steps: list[Step]
    largest: int
    """The largest load that held every service level, in sessions; 0: none."""
    failing: int | None = None
    """The smallest one that failed twice; None: none up to the search's bound."""
    broke_first: str = ""
    """The service level that failed at the smallest failing load, the most exceeded one."""
    limit: str = ""
    """Whose CPU was the limit: a tier, `harness` or `machine`; empty where nobody's was."""
    limit_says: str = ""
    """Why, in words."""
    tiers: list[TierShare] = []
