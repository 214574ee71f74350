"""Scenarios from TOML files, by path or by the name of one that is shipped."""

import math
from importlib.resources import files

import msgspec

from loadtest.decode_error import one_line
from loadtest.scenario.contradictions import contradictions
from loadtest.scenario.scenario import Scenario
from loadtest.shipped_files import ShippedFiles, UnreadableFileError
from loadtest.verdict.service_levels import UnknownServiceLevelError
from loadtest.verdict.verdict import check

_SHIPPED = ShippedFiles(files("loadtest") / "scenarios")


class ScenarioError(ValueError):
    """A scenario that cannot be run; the text names the member, on one line."""


def shipped_scenarios() -> tuple[str, ...]:
    """The names of those that come with the harness."""
    return _SHIPPED.names()


def shipped_text(name: str) -> str:
    """The file of one of them."""
    return _SHIPPED.text(name)


def read_scenario(source: str) -> Scenario:
    """From a file, or a shipped one by its name. Raises ScenarioError."""
    try:
        return parse_scenario(_SHIPPED.read(source))
    except UnreadableFileError as error:
        raise ScenarioError(str(error)) from error
    except ScenarioError as error:
        raise ScenarioError(f"{source}: {error}") from error


def parse_scenario(text: str) -> Scenario:
    """Raises ScenarioError."""
    try:
        table = msgspec.toml.decode(text)
        _check_service_levels(table.get("service_levels"))
        scenario = msgspec.convert(table, Scenario)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ScenarioError(one_line(error)) from error
    except UnknownServiceLevelError as error:
        raise ScenarioError(str(error)) from error
    for contradiction in contradictions(scenario):
        raise ScenarioError(contradiction)
    return scenario


def _check_service_levels(table: object) -> None:
    """What msgspec would say of a mapping's values has no name in it."""
    if not isinstance(table, dict):
        return
    check(table)
    for name, bound in table.items():
        if isinstance(bound, bool) or not isinstance(bound, int | float):
            raise ScenarioError(f"service_levels.{name}: must be a number")
        if not math.isfinite(bound):
            raise ScenarioError(f"service_levels.{name}: must be finite, not {bound}")
