"""Simulations' scenarios from TOML files, by path or by the name of one that is shipped."""

import itertools
from collections.abc import Iterator
from importlib.resources import files

import msgspec

from loadtest.decode_error import one_line
from loadtest.scenario.contradictions import of_name
from loadtest.shipped_files import ShippedFiles, UnreadableFileError
from loadtest.simulation.scenario import Failure, FailureKind, SimulationScenario
from loadtest.tiers import TIERS

_SHIPPED = ShippedFiles(files("loadtest") / "simulation" / "scenarios")


class SimulationScenarioError(ValueError):
    """A scenario that cannot be simulated; the text names the member, on one line."""


def shipped_simulations() -> tuple[str, ...]:
    """The names of those that come with the harness."""
    return _SHIPPED.names()


def read_simulation(source: str) -> SimulationScenario:
    """From a file, or a shipped one by its name. Raises SimulationScenarioError."""
    try:
        return parse_simulation(_SHIPPED.read(source))
    except UnreadableFileError as error:
        raise SimulationScenarioError(str(error)) from error
    except SimulationScenarioError as error:
        raise SimulationScenarioError(f"{source}: {error}") from error


def parse_simulation(text: str) -> SimulationScenario:
    """Raises SimulationScenarioError."""
    try:
        scenario = msgspec.toml.decode(text, type=SimulationScenario)
    except (msgspec.DecodeError, RecursionError) as error:
        raise SimulationScenarioError(one_line(error)) from error
    for complaint in _complaints(scenario):
        raise SimulationScenarioError(complaint)
    return scenario


def _complaints(scenario: SimulationScenario) -> Iterator[str]:
    """What the types do not say."""
    yield from of_name(scenario.name)
    names = [region.name for region in scenario.regions]
    if len(set(names)) < len(names):
        yield "regions: two have the same name"
    for tier in scenario.tiers:
        if tier not in TIERS:
            yield f"tiers.{tier}: no such tier; there are {', '.join(TIERS)}"
    for index, failure in enumerate(scenario.failures):
        yield from _of_failure(f"failures[{index}]", failure, names)
    yield from _of_round_trips(scenario, names)


def _of_failure(where: str, failure: Failure, regions: list[str]) -> Iterator[str]:
    if failure.region not in regions:
        yield f"{where}.region: no such region; there are {', '.join(regions)}"
    if failure.kind is FailureKind.PODS and failure.tier not in TIERS:
        yield f"{where}.tier: expected one of {', '.join(TIERS)}"


def _of_round_trips(scenario: SimulationScenario, names: list[str]) -> Iterator[str]:
    known = {frozenset(trip.between) for trip in scenario.round_trips}
    for index, trip in enumerate(scenario.round_trips):
        if not set(trip.between) <= set(names) or len(set(trip.between)) < 2:
            yield f"round_trips[{index}].between: expected two of {', '.join(names)}"
    for pair in itertools.combinations(names, 2):
        if frozenset(pair) not in known:
            yield f"round_trips: none between {pair[0]} and {pair[1]}"
