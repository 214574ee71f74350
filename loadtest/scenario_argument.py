"""The scenario of a command line, which comes before its flags."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from chassis.settings import SettingError, load
from loadtest.scenario.reading import ScenarioError, read_scenario
from loadtest.scenario.scenario import Scenario

SettingsT = TypeVar("SettingsT")


def scenario_and_settings(
    kind: type[SettingsT], argv: Sequence[str], environ: Mapping[str, str], *, prog: str
) -> tuple[Scenario, SettingsT]:
    """Raises SettingError where there is no scenario, or something cannot be read."""
    scenario, flags = _scenario_and_flags(argv)
    settings = load(kind, flags, environ, prog=f"{prog} SCENARIO")
    if scenario is None:
        known = "a name of `antiphon-loadtest scenarios`"
        raise SettingError(f"give a scenario first: a file, or {known}")
    return scenario, settings


def _scenario_and_flags(argv: Sequence[str]) -> tuple[Scenario | None, Sequence[str]]:
    if not argv or argv[0].startswith("-"):
        return None, argv
    try:
        return read_scenario(argv[0]), argv[1:]
    except ScenarioError as error:
        raise SettingError(str(error)) from error
