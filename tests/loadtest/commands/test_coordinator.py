import subprocess
from pathlib import Path

import pytest

from loadtest import result_file
from loadtest.cli import main
from tests.free_ports import free_port
from tests.loadtest.small_run import COMMAND, ROOT

SCENARIO = """
name = "small"
load = {sessions = 4, ramp_seconds = 0.5, hold_seconds = 1}
service_levels = {calls_failed = 0.0}
"""
NEEDED = ["--workers=2", "--target=http://a"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["steady", "--target=http://a", "--token-file=/none"], "--workers"),
        (["steady", *NEEDED], "--token-file"),
        (["steady", *NEEDED, "--token-file=/none"], "--token-file /none: No such file"),
        (["steady", "--workers=2", "--token-file=/none"], "--target is needed"),
    ],
)
def test_what_cannot_be_understood_is_one_line(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["coordinator", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("antiphon-loadtest coordinator: ")
    assert complaint in line


def test_the_last_line_is_the_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For where only the log is left, as of a pod."""
    scenario, token, port = tmp_path / "small.toml", tmp_path / "token", free_port()
    scenario.write_text(SCENARIO)
    token.write_text("0123456789abcdef")
    shared = f"--token-file={token}"
    flags = [f"--listen=127.0.0.1:{port}", "--workers=1", "--target=http://a", shared]
    with subprocess.Popen(
        [*COMMAND, f"--coordinator=127.0.0.1:{port}", shared], cwd=ROOT
    ) as worker:
        code = main(["coordinator", str(scenario), *flags, f"--out={tmp_path}", "--print-result"])
    assert (code, worker.returncode) == (0, 0)
    last = capsys.readouterr().out.splitlines()[-1]
    assert result_file.parse(last.encode()) == result_file.read(tmp_path / "small.json")
