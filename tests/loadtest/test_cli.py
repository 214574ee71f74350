import importlib

import pytest

from loadtest.cli import COMMANDS, main


def test_without_a_command_it_says_which_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    shown = capsys.readouterr().out
    assert all(name in shown for name in COMMANDS)
    assert main(["--help"]) == 0


def test_another_command_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ruin"]) == 2
    assert "no command 'ruin'; there are run," in capsys.readouterr().err


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_and_explains_itself(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(importlib.import_module(f"loadtest.commands.{name}").run)
    try:
        code = main([name, "--help"])
    except SystemExit as left:
        code = int(left.code or 0)
    assert code == 0
    assert f"antiphon-loadtest {name}" in capsys.readouterr().out


def test_what_is_not_installed_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(_name: str) -> None:
        raise ModuleNotFoundError("No module named 'grpc'")

    monkeypatch.setattr(importlib, "import_module", missing)
    assert main(["worker"]) == 2
    assert "No module named 'grpc'; pip install 'antiphon[loadtest]'" in capsys.readouterr().err
