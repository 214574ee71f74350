"""The scenario of a command line, which comes before its flags."""

from collections.abc import Sequence

from chassis.settings import SettingError
from loadtest.scenario.reading import ScenarioError, read_scenario
from loadtest.scenario.scenario import Scenario


def scenario_and_flags(argv: Sequence[str]) -> tuple[Scenario | None, Sequence[str]]:
    """None where there is none. Raises SettingError where it cannot be read."""
    if not argv or argv[0].startswith("-"):
        return None, argv
    try:
        return read_scenario(argv[0]), argv[1:]
    except ScenarioError as error:
        raise SettingError(str(error)) from error
