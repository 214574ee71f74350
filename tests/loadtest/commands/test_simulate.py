"""The command simulates, and its page says what its JSON says."""

import re
from html import escape
from pathlib import Path

import msgspec
import pytest

from chassis.settings import SettingError
from loadtest.commands import simulate
from loadtest.simulation.assumptions import assumptions
from loadtest.simulation.simulation_result import SimulationResult
from loadtest.simulation.simulation_table import rows
from tests.loadtest.simulation.test_failures import TWO_REGIONS

FAILURE = """
[[failures]]
at_seconds = 60
kind = "region"
region = "west"
seconds = 60
"""


def test_a_simulation_is_written_down_and_drawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "scenario.toml"
    file.write_text(TWO_REGIONS.replace("seconds = 600", "seconds = 200") + FAILURE)
    argv = [str(file), "--sessions", "500", "--seed", "3", "--out", str(tmp_path)]
    assert simulate.run(argv, {}) == 0
    encoded = (tmp_path / "simulation-two regions.json").read_bytes()
    result = msgspec.json.decode(encoded, type=SimulationResult)
    assert (result.scenario["calls"]["sessions"], result.scenario["seed"]) == (500, 3)
    page = (tmp_path / "simulation-two regions.html").read_text()
    shown = page.replace("\N{NO-BREAK SPACE}", " ")
    for row in rows(result):
        for figure in row:
            assert f">{figure}<" in shown
    assert page.count("<svg") == 10
    assert not re.search(r"""(?:src|href)=["'](?!#)|url\((?!#)|@import""", page)
    out = capsys.readouterr().out
    assert "million events a second" in out
    for assumption in assumptions(result):
        assert escape(assumption) in page
        assert assumption in " ".join(out.split())


@pytest.mark.parametrize(
    ("argv", "complaint"),
    [
        ([], "give a scenario first: a file, or one of crowd"),
        (["nowhere"], "nowhere: no file"),
        (["crowd", "--sessions", "0"], "--sessions: must be from 1"),
        (["crowd", "--model", "/none.json"], "/none.json"),
    ],
)
def test_what_is_wrong_is_one_line(argv: list[str], complaint: str) -> None:
    with pytest.raises(SettingError, match=complaint) as raised:
        simulate.run(argv, {})
    assert "\n" not in str(raised.value)
