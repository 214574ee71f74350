import io

import msgspec
from rich.console import Console

from loadtest.report.comparison import compare
from loadtest.report.terminal import show, show_comparison
from loadtest.result import RunResult
from tests.loadtest.report.sample_run import sample_run


def shown(result: RunResult) -> str:
    text = io.StringIO()
    show(result, Console(file=text, width=110))
    return text.getvalue()


def test_the_verdict_is_the_first_line() -> None:
    assert shown(sample_run(label="here")).splitlines()[0] == "Held  talk, here"
    assert shown(sample_run(failing=8)).splitlines()[0] == "Not held  talk"


def test_service_levels_and_failures_are_listed() -> None:
    lines = shown(sample_run(failing=8)).splitlines()
    [failed] = [line.split() for line in lines if line.startswith("Calls failed (")]
    assert failed[-3:] == ["✗", "not", "held"]
    assert any(line.startswith("ice timeout: call 417") and "8" in line for line in lines)


def test_a_run_without_service_levels_shows_its_figures() -> None:
    lines = shown(sample_run(service_levels={})).splitlines()
    assert lines[0].startswith("No service levels")
    assert any(line.split() == ["sessions", "at", "once", "120"] for line in lines)


def test_notes_and_markup_of_others_are_text() -> None:
    run = msgspec.structs.replace(sample_run(label="[red]x"), notes=["[bold]late"])
    assert "[red]x" in shown(run)
    assert "! [bold]late" in shown(run)


def test_a_comparison_marks_what_is_worse() -> None:
    text = io.StringIO()
    comparison = compare(sample_run(), sample_run(slower=1.5))
    show_comparison(comparison, Console(file=text, width=130))
    [line] = [line for line in text.getvalue().splitlines() if line.startswith("Set-up, median")]
    assert line.split()[-2:] == ["▼", "worse"]
