"""`antiphon-loadtest run`, with worker processes whose calls are scripted."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from loadtest import result_file
from loadtest.cli import main
from loadtest.coordinator import local_workers
from tests.loadtest import scripted_worker
from tests.loadtest.small_run import COMMAND, ROOT

SCENARIO = """
name = "small"
[load]
sessions = 4
ramp_seconds = 0.5
hold_seconds = {seconds}
[service_levels]
calls_failed = 0.0
"""
SCRIPTED = f"""
import sys
from loadtest.cli import main
from loadtest.coordinator import local_workers
local_workers.COMMAND = {COMMAND}
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(SCENARIO.format(seconds=1.0))
    return path


@pytest.fixture
def _scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(local_workers, "COMMAND", COMMAND)


def flags(out: Path, *more: str) -> list[str]:
    return ["--target=http://127.0.0.1:1", "--workers=1", f"--out={out}", *more]


@pytest.mark.usefixtures("_scripted")
@pytest.mark.parametrize(("model", "code"), [("", 0), (scripted_worker.REFUSED, 1)])
def test_the_exit_code_is_the_verdict(
    scenario: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], model: str, code: int
) -> None:
    out = tmp_path / "out"
    assert main(["run", str(scenario), *flags(out, f"--model={model}", "--label=now")]) == code
    result = result_file.read(out / "small.json")
    assert (result.label, result.passed) == ("now", code == 0)
    assert "<html" in (out / "small.html").read_text()
    shown = capsys.readouterr().out
    assert str(out / "small.html") in shown
    assert "Calls failed" in shown


@pytest.mark.usefixtures("_scripted")
def test_where_nothing_could_be_measured_it_says_why(
    scenario: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    uncallable = flags(tmp_path, f"--model={scripted_worker.UNCALLABLE}")
    assert main(["run", str(scenario), *uncallable]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == "antiphon-loadtest run: nobody is at home"


def test_ctrl_c_ends_it_with_a_report(scenario: Path, tmp_path: Path) -> None:
    scenario.write_text(SCENARIO.format(seconds=600.0))
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPTED, "run", str(scenario), *flags(tmp_path)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as running:
        assert running.stderr is not None
        for line in running.stderr:
            if "sessions" in line:
                running.send_signal(signal.SIGINT)
                break
        rest = running.stderr.read()
    assert (running.returncode, "Hanging up" in rest) == (0, True)
    result = result_file.read(tmp_path / "small.json")
    assert any("was stopped" in note for note in result.notes)
    assert result.totals["calls_ended"] == 4


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "give a scenario"),
        (["nosuch"], "nosuch: no file"),
        (["steady"], "--target is needed by callers of kind webrtc, or --local"),
        (["relay-10k", "--target=http://a"], "--reflector is needed by callers of kind relay"),
        (["steady", "--target=voice.example.com"], "--target: expected http:// or https://"),
        (["steady", "--target=http://"], "--target: expected http:// or https:// and a host"),
        (["steady", "--target=https://a/v1"], "--target: expected a base URL without a path"),
        (["steady", "--target=https://me:hush@a"], "--target: a URL is no place for a user and"),
        (["steady", "--target=http://a:99999"], "--target: Port out of range"),
        (["steady", "--local=tiers=3"], "--local: expected NAME=VALUE"),
        (["steady", "--local=max_calls=none"], "--local: max_calls: expected a whole number"),
        (["steady", "--local", "--workers=0"], "--workers: must be from 1 up"),
        (["steady", "--target=http://a", "--api-key-file=/none"], "--api-key-file /none: No such"),
        (["steady", "--wrong"], "unrecognized arguments: --wrong"),
        (["steady", "--target=http://127.0.0.1:1", "--out=/dev/null"], "File exists: '/dev/null'"),
    ],
)
def test_what_cannot_be_understood_is_one_line(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("antiphon-loadtest run: ")
    assert complaint in line


def test_a_key_is_never_shown(
    scenario: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key_file = tmp_path / "key"
    key_file.write_text("sha256:0123456789abcdef sessions=20\n")
    wrong = flags(tmp_path, f"--api-key-file={key_file}")
    assert main(["run", str(scenario), *wrong]) == 2
    said = capsys.readouterr().err
    assert "must begin with the secret itself" in said
    assert "0123456789abcdef" not in said
    assert os.environ.get("ANTIPHON_API_KEY_FILE") is None
