"""Files are read strictly, and what is wrong with one is named on one line."""

from pathlib import Path

import pytest

from loadtest.simulation.reading import (
    SimulationScenarioError,
    parse_simulation,
    read_simulation,
    shipped_simulations,
)
from loadtest.simulation.sizing import size
from tests.loadtest.simulation.small_world import MODEL, ONE_REGION
from tests.loadtest.simulation.test_failures import TWO_REGIONS


@pytest.mark.parametrize("name", shipped_simulations())
def test_what_is_shipped_can_be_simulated(name: str) -> None:
    scenario = read_simulation(name)
    assert scenario.name == name
    assert scenario.description
    assert min(size(scenario, MODEL).sessions_a_pod.values()) >= 1


def test_sizes_from_ten_thousand_to_ten_million_are_shipped() -> None:
    sessions = [read_simulation(name).calls.sessions for name in shipped_simulations()]
    assert (min(sessions), max(sessions)) == (10_000, 10_000_000)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("name = ", "Invalid value"),
        (ONE_REGION.replace("one region", "../up"), "name: must be 1 to 80"),
        (ONE_REGION.replace("sessions = 45", "sessions = 'x'"), "calls.sessions: Expected `int`"),
        (ONE_REGION.replace("sessions = 45", "sesions = 45"), "calls.sesions: there is no such"),
        (ONE_REGION.replace("tiers.relay", "tiers.router"), "tiers.router: no such tier"),
        (ONE_REGION.replace('[[regions]]\nname = "here"', ""), "regions: is missing"),
        (
            TWO_REGIONS.replace('["west", "east"]', '["west", "south"]'),
            "expected two of west, east",
        ),
        (TWO_REGIONS.replace('name = "east"', 'name = "west"'), "two have the same name"),
        (
            TWO_REGIONS + "[[failures]]\nat_seconds = 1\nkind = 'region'\nregion = 'moon'",
            r"failures\[0\].region: no such region",
        ),
        (
            TWO_REGIONS + "[[failures]]\nat_seconds = 1\nkind = 'pods'\nregion = 'west'",
            r"failures\[0\].tier: expected one of relay",
        ),
        (TWO_REGIONS.split("[[round_trips]]")[0], "round_trips: none between west and east"),
    ],
)
def test_what_is_wrong_is_named(text: str, complaint: str) -> None:
    with pytest.raises(SimulationScenarioError, match=complaint) as raised:
        parse_simulation(text)
    assert "\n" not in str(raised.value)


def test_a_file_that_is_not_there_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(SimulationScenarioError, match="ten-million"):
        read_simulation(str(tmp_path / "none.toml"))
