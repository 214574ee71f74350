"""Judges a run by the service levels of its scenario."""

from collections.abc import Iterable

from loadtest.result import LevelRecord, RunResult
from loadtest.scenario.scenario import Scenario
from loadtest.verdict.service_levels import ServiceLevel, find


def judge(result: RunResult, scenario: Scenario) -> list[LevelRecord]:
    """Each of the scenario's service levels, in its order.

    Raises UnknownServiceLevelError for a name that is not one, as `check` does before a run.
    """
    bounds = scenario.service_levels.items()
    return [_record(find(name), bound, result) for name, bound in bounds]


def check(names: Iterable[str]) -> None:
    """Raises UnknownServiceLevelError, whose text says which there are."""
    for name in names:
        find(name)


def _record(level: ServiceLevel, bound: float, result: RunResult) -> LevelRecord:
    measured = level.measure(result)
    return LevelRecord(
        name=level.name,
        description=level.description,
        bound=bound,
        measured=measured,
        held=measured is not None and level.holds(measured, bound),
        unit=level.unit,
    )
