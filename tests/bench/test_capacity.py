"""The capacity page says what the benchmarks say."""

import pytest

from bench.capacity import Measured, MissingFigureError, calls_table, core_table, measured, section
from bench.report import BENCHMARKS, CAPACITY

OF_CORE = Measured(
    relay_seconds_a_packet=4e-6,
    flow_bytes=100,
    voip_calls=52,
    celt_calls=117,
    call_kilobytes=160,
    websocket_calls=305,
    websocket_kilobytes=500,
)


def test_the_page_is_that_of_the_benchmarks() -> None:
    """`python -m bench.report` makes it anew."""
    tables = section(BENCHMARKS.read_text())
    assert f"<!-- capacity -->\n{tables}\n<!-- /capacity -->" in CAPACITY.read_text()


def test_a_core_of_each_kind() -> None:
    _head, relay, voip, *_others = core_table(OF_CORE)
    assert relay == ["relay", "2,500", "2,100", "0.1 kB for each worker"]
    assert voip[1:] == ["52", "41", "160 kB"]


def test_workers_for_a_thousand_calls_are_enough() -> None:
    [row] = [row for row in calls_table(OF_CORE) if row[0] == "1,000"]
    assert row == ["1,000", "1", "25", "11", "32 + 1"]


def test_a_page_without_a_figure_is_said_to_lack_it() -> None:
    page = BENCHMARKS.read_text().replace("| Antiphon, Opus VOIP |", "| something else |")
    with pytest.raises(MissingFigureError, match="Antiphon, Opus VOIP, calls a core"):
        measured(page)
