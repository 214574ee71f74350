import sys

import pytest

from antiphon.call_display import PlainDisplay, TerminalDisplay, display


def test_a_pipe_gets_lines_alone(capsys: pytest.CaptureFixture[str]) -> None:
    with display() as shown:
        shown.stage("speaking", 0.5)
        shown.line("agent: [bold] forty two")
    assert isinstance(shown, PlainDisplay)
    assert capsys.readouterr().out == "agent: [bold] forty two\n"


def test_a_terminal_gets_a_bar_below_the_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with display() as shown:
        shown.stage("speaking", 0.5)
        shown.line("agent: [bold] forty two")
    assert isinstance(shown, TerminalDisplay)
    out = capsys.readouterr().out
    assert "agent: [bold] forty two\n" in out
    assert "speaking" in out
