import subprocess
import sys

import pytest

from antiphon.cli import COMMANDS, main


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in COMMANDS)


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        (["dance"], "antiphon: no command 'dance'; there are up, call, keys, doctor, address\n"),
        (["up", "--nope"], "antiphon up: unrecognized arguments: --nope\n"),
        (["up", "--http", "8080"], "antiphon up: --http: expected HOST:PORT, not '8080'\n"),
        (["call"], "antiphon call: --wav (or ANTIPHON_WAV) is required\n"),
        (
            ["keys", "house"],
            "antiphon keys: expected one of: cluster, api, hash, password, phone, init, rotate\n",
        ),
    ],
)
def test_what_is_not_understood_is_one_line_and_exit_code_2(
    argv: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == 2
    assert capsys.readouterr() == ("", line)


def test_a_missing_extra_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "antiphon.call", raising=False)
    monkeypatch.setitem(sys.modules, "aiortc", None)
    for name in [name for name in sys.modules if name.startswith("antiphon.realtime_call")]:
        monkeypatch.delitem(sys.modules, name)
    assert main(["call"]) == 2
    assert "pip install 'antiphon[call]'" in capsys.readouterr().err


def test_runs_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "antiphon", "keys", "api"], capture_output=True, text=True
    )
    assert done.returncode == 0
    assert done.stdout.startswith("sk-antiphon-")
