"""The command searches with fresh runs, and makes, checks and uses models."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from chassis.settings import SettingError
from loadtest import local_flags, result_file
from loadtest.commands import capacity
from loadtest.result import RunResult
from loadtest.scenario.scenario import Scenario, Talk
from tests.loadtest.capacity.made_runs import CONTINUOUS, ON_OFF, made_run
from tests.loadtest.capacity.test_finding import level


def run_files(directory: Path, *runs: RunResult) -> list[str]:
    paths = [directory / f"{run.name}.json" for run in runs]
    for path, run in zip(paths, runs, strict=True):
        result_file.write(path, run)
    return list(map(str, paths))


def made(name: str, sessions: int, talk: Talk, **changes: int) -> RunResult:
    return made_run(sessions, talk, name=name, **changes)


RUNS = [
    made("speech", 20, CONTINUOUS),
    made("talk", 40, ON_OFF),
    made("churn", 30, ON_OFF, set_ups_a_second=20),
    made("both", 30, CONTINUOUS, set_ups_a_second=10),
]


def test_a_model_is_fitted_judged_by_a_run_it_has_not_seen_and_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    *fitted, unseen = run_files(tmp_path, *RUNS)
    model = str(tmp_path / "model.json")
    assert capacity.run(["--fit", *fitted, "--to", model], {}) == 0
    assert "Each run by a model of all the others" in capsys.readouterr().out
    assert capacity.run(["--check", unseen, "--model", model], {}) == 0
    assert "predicted cores" in capsys.readouterr().out
    assert capacity.run(["--predict", "1000", "--model", model, "--talk", "continuous"], {}) == 0
    assert "transceiver" in capsys.readouterr().out


def test_a_model_is_not_judged_by_what_it_was_made_of(tmp_path: Path) -> None:
    files, model = run_files(tmp_path, *RUNS), str(tmp_path / "model.json")
    capacity.run(["--fit", *files, "--to", model], {})
    with pytest.raises(SettingError, match="speech: the model was fitted to this very run"):
        capacity.run(["--check", files[0], "--model", model], {})


@pytest.mark.parametrize(
    ("argv", "complaint"),
    [
        (["--predict"], "give a number of sessions"),
        (["--predict", "many"], "give a number of sessions"),
        (["--predict", "10", "--kind", "relay"], "no costs of relay calls"),
        (["--predict", "10", "--kind", "pigeon"], "--kind: 'pigeon'"),
        (["--predict", "10", "--model", "/none.json"], "/none.json"),
        (["--fit", "--to", "x.json"], "at least one run"),
        (["--check"], "give result files"),
        (["--local"], "give a scenario first"),
        (["capacity"], "--target is needed"),
        (["capacity", "--local", "--growth", "1"], "--growth: must be above 1"),
        (["capacity", "--local", "--resolution", "x"], "--resolution: "),
    ],
)
def test_what_is_wrong_is_one_line(argv: Sequence[str], complaint: str) -> None:
    with pytest.raises(SettingError, match=complaint) as raised:
        capacity.run(argv, {})
    assert "\n" not in str(raised.value)


class PlayedDeployment:
    """Starts and stops as a real one; counts how often."""

    target = None
    started = 0
    running = 0

    def __init__(self, _settings: object) -> None:
        return

    async def start(self) -> None:
        type(self).started += 1
        type(self).running += 1

    async def stop(self) -> None:
        type(self).running -= 1


async def played_run(scenario: Scenario, *_target: object, **_how: object) -> RunResult:
    """Holds up to 25 sessions."""
    await asyncio.sleep(0)
    assert PlayedDeployment.running == 1
    sessions = scenario.load.sessions
    late = level("set_up_p99_ms", 1000.0, 40.0 * sessions, "ms", held=sessions <= 25)
    run = made_run(sessions, ON_OFF, levels=[late])
    return msgspec.structs.replace(run, scenario=msgspec.to_builtins(scenario))


def test_each_step_is_a_run_on_a_fresh_deployment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(local_flags, "LocalDeployment", PlayedDeployment)
    monkeypatch.setattr(capacity, "run_scenario", played_run)
    flags = ["--local", "--start", "10", "--resolution", "0", "--out", str(tmp_path)]
    assert capacity.run(["capacity", *flags], {}) == 0
    found = json.loads((tmp_path / "capacity-capacity.json").read_bytes())
    assert (found["largest"], found["failing"]) == (25, 26)
    assert found["broke_first"] == "set_up_p99_ms"
    assert PlayedDeployment.started == len(found["steps"])
    assert PlayedDeployment.running == 0
    page = (tmp_path / "capacity-capacity.html").read_text()
    for step in found["steps"]:
        assert f'<th scope="row">{step["sessions"]}</th>' in page
        assert (tmp_path / f"capacity-{step['sessions']}.json").exists()
    assert "25 sessions hold every service level" in page
    assert "25 sessions hold every service level" in capsys.readouterr().out


def test_where_nothing_holds_the_exit_code_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(scenario: Scenario, *_target: object, **_how: object) -> RunResult:
        failed = level("calls_failed", 0.0, 1.0, "ratio", held=False)
        return made_run(scenario.load.sessions, ON_OFF, levels=[failed])

    monkeypatch.setattr(capacity, "run_scenario", never)
    flags = ["--target", "http://127.0.0.1:1", "--start", "2", "--out", str(tmp_path)]
    assert capacity.run(["capacity", *flags], {}) == 1
    assert "calls_failed failed first" in (tmp_path / "capacity-capacity.html").read_text()
