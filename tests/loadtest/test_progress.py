import io

import pytest
from rich.console import Console

from loadtest.coordinator.roll import Roll
from loadtest.glimpse import Glimpse, glimpse
from loadtest.measures.histogram import Histogram
from loadtest.measures.interval import Interval
from loadtest.measures.names import Count, Latency
from loadtest.progress import PlainDisplay, TerminalDisplay
from loadtest.scenario.scenario import Load, Scenario


def seen(second: int = 4, failed: int = 0) -> Glimpse:
    set_up = Histogram()
    set_up.record(0.25, 99)
    roll = Roll(1)
    member = roll.join("host", None, 0.0)
    roll.ready(member, 0.0, 0.0)
    roll.measured(member, Interval(0, {Count.CALLS_FAILED: failed}), 0.0)
    recent = Interval(second, {Count.CALLS_SET_UP: 10}, 7, {Latency.SET_UP: set_up})
    scenario = Scenario(name="small", load=Load(sessions=9, ramp_seconds=5.0, hold_seconds=15.0))
    return glimpse(recent, 5, scenario, roll)


def test_a_glimpse_has_rates_and_what_was_not_noted_is_none() -> None:
    found = seen(failed=3)
    assert (found.calls_per_second, found.sessions, found.calls_failed) == (2.0, 7, 3)
    assert found.set_up_p50_s == pytest.approx(0.25, rel=1e-3)
    assert found.frame_lateness_p99_s is None
    assert (found.workers, found.length_s) == (1, 20.0)


def test_plain_lines_come_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    with PlainDisplay() as display:
        for second in range(12):
            display.glimpse(seen(second))
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[0] for line in lines] == ["0", "5", "10"]
    assert "sessions 7 of 9, calls/s 2.0, failed 0, set-up 250" in lines[0]


def test_a_terminal_shows_a_table_and_lines_above_it() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, color_system=None, width=100)
    with TerminalDisplay(console) as display:
        display.line("  1.0 s  fault: kill [relay]")
        display.glimpse(seen(failed=2))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "fault: kill [relay]" in shown
    assert "5 of 20 s" in shown
    assert "7 of 9" in shown
