from pathlib import Path

import msgspec
import pytest

from loadtest import cli, result_file
from loadtest.measures.names import Latency
from loadtest.result import RunResult
from tests.loadtest.report.sample_run import sample_run


def written(directory: Path, name: str, result: RunResult) -> str:
    path = directory / name
    result_file.write(path, result)
    return str(path)


@pytest.fixture
def usual(tmp_path: Path) -> str:
    return written(tmp_path, "usual.json", sample_run(latencies=(Latency.SET_UP,), label="usual"))


@pytest.fixture
def slow(tmp_path: Path) -> str:
    run = sample_run(latencies=(Latency.SET_UP,), label="slow", slower=2.0)
    return written(tmp_path, "slow.json", run)


def test_a_report_is_drawn_again(
    usual: str, slow: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "page.html"
    assert cli.main(["report", usual, slow, "--out", str(out)]) == 0
    assert "2 runs side by side" in out.read_text()
    assert capsys.readouterr().out.endswith(f"{out}\n")


def test_a_comparison_is_shown_and_drawn(
    usual: str, slow: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "page.html"
    assert cli.main(["compare", usual, slow, "--out", str(out)]) == 0
    assert "▼ worse" in out.read_text()
    assert "are worse, foremost" in capsys.readouterr().out


@pytest.mark.parametrize(("reverse", "code"), [(False, 1), (True, 0)])
def test_what_became_worse_can_fail(usual: str, slow: str, reverse: bool, code: int) -> None:
    files = [slow, usual] if reverse else [usual, slow]
    assert cli.main(["compare", *files, "--fail-on-worse"]) == code


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        (["report"], "antiphon-loadtest report: give result files"),
        (["compare", "{usual}"], "antiphon-loadtest compare: give two result files"),
        (
            ["report", "{usual}", "--out", "/nowhere/page.html"],
            "--out: /nowhere/page.html: No such",
        ),
        (["compare", "{usual}", "/nowhere.json"], "/nowhere.json: No such file"),
        (["report", "{scenarioless}"], "scenarioless.json: scenario: "),
    ],
)
def test_what_cannot_be_done_is_one_line(
    command: list[str],
    complaint: str,
    usual: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = msgspec.structs.replace(sample_run(latencies=()), scenario={"name": "x"})
    names = {"usual": usual, "scenarioless": written(tmp_path, "scenarioless.json", run)}
    assert cli.main([argument.format(**names) for argument in command]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert complaint in line
