"""What a simulation gave: the JSON twin of its report."""

from typing import Any

import msgspec


class RegionResult(msgspec.Struct, frozen=True, kw_only=True):
    """Of one region's callers, and of its pods."""

    name: str
    series: dict[str, list[float]]
    """By name, a number a sample: see `loadtest.simulation.sampling`."""
    arrived: int
    refused: int
    """Found no room, or waited for it in vain."""
    refused_for: dict[str, int]
    """By the tier that had no room first, `patience` for those that waited."""
    interrupted: int
    cut: int
    """Interrupted for good: they found no room, or were to be over before they were back."""
    away: int
    """Calls that another region served."""
    waited: int
    waiting_seconds: float
    """Of all calls that waited for room together."""
    peak_sessions: int
    mean_sessions: float
    over_level_seconds: float
    """In which some service level did not hold."""
    over_level: dict[str, float]
    """The same, by level; several may be broken at once."""
    set_up_p50_seconds: float | None
    set_up_p99_seconds: float | None
    interrupted_seconds: float
    """Of all its callers together."""
    peak_pods: dict[str, int]
    core_hours: dict[str, float]


class SimulationResult(msgspec.Struct, frozen=True, kw_only=True):
    """A simulation."""

    schema: int = 1
    name: str
    scenario: dict[str, Any]
    """As it was read, with all defaults."""
    model_sources: list[str]
    sessions_a_pod: dict[str, int]
    seconds: float
    events: int
    wall_seconds: float | None = None
    """How long it took; None where nobody measured."""
    machine: dict[str, str | float] = {}
    """Of the model."""
    regions: list[RegionResult]

    @property
    def core_hours(self) -> float:
        return sum(sum(region.core_hours.values()) for region in self.regions)

    @property
    def refused_share(self) -> float:
        arrived = sum(region.arrived for region in self.regions)
        return sum(region.refused for region in self.regions) / arrived if arrived else 0.0
