import pytest

from bench.relay.summary import BOUNDS, cost_table, latency_table
from bench.tables import as_markdown, as_text, bound_table

FIGURES = {
    "saturated.up.antiphon": 1.0,
    "saturated.up.antiphon.min": 0.9,
    "saturated.up.antiphon.max": 1.25,
    "saturated.up.go": 5.0,
    "saturated.up.go.min": 5.0,
    "saturated.up.go.max": 5.0,
    "saturated.up.coturn": "not measured: there is no turnserver on this machine",
    "latency20k.moderated.p50_seconds": 0.0006,
    "latency20k.moderated.p50_seconds.min": 0.0005,
    "latency20k.moderated.p50_seconds.max": 0.0007,
}


def row(table: list[list[str]], head: str) -> list[str]:
    (found,) = (row for row in table if row[0] == head)
    return found


def verdict(key: str, value: float | str) -> str:
    (bound,) = (bound for bound in BOUNDS if bound.key == key)
    return bound.row({key: value})[-1]


def test_costs_show_their_spread_and_the_multiple_of_go() -> None:
    table = cost_table(FIGURES)
    assert row(table, "Antiphon")[1] == "1.00 (0.90..1.25) 0.20x"
    assert row(table, "Go reference")[1] == "5.00 (5.00..5.00) 1.00x"


def test_what_was_not_measured_is_said() -> None:
    assert row(cost_table(FIGURES), "coturn, ChannelData")[1] == "not measured"
    assert row(latency_table(FIGURES), "Go reference")[1:] == ["not measured"] * 2


def test_latencies_are_shown_in_microseconds() -> None:
    assert row(latency_table(FIGURES), "Antiphon")[1] == "600.0 (500.0..700.0)"


@pytest.mark.parametrize(
    ("key", "kept", "missed"),
    [
        ("saturated.both.ratio", 0.5, 0.501),
        ("latency20k.moderated.p99_seconds", 0.0025, 0.0026),
        ("latency20k.unmoderated.p50_seconds", 50e-6, 51e-6),
        ("workers2.speedup", 1.7, 1.69),
        ("memory.growth", 0.01, 0.011),
        ("install.flows_per_second", 20_000, 19_999),
    ],
)
def test_a_bound_is_kept_up_to_its_limit(key, kept, missed) -> None:
    assert verdict(key, kept) == "ok"
    assert verdict(key, missed) == "MISSED"
    assert verdict(key, "not measured: no such thing") == "MISSED"


def test_every_bound_shows_what_was_measured_in_its_unit() -> None:
    table = bound_table(BOUNDS, {"latency20k.moderated.p50_seconds": 0.0006})
    assert row(table, "added latency, p50") == [
        "added latency, p50",
        "0.6 ms",
        "at most 1 ms",
        "ok",
    ]
    assert len(table) == len(BOUNDS) + 1


def test_tables_as_text_and_markdown() -> None:
    table = [["a", "bbb"], ["cc", "d"]]
    assert as_text(table) == "a   bbb\ncc  d"
    assert as_markdown(table) == ["| a | bbb |", "|---|---|", "| cc | d |"]
