import re

import msgspec
import pytest

from loadtest.measures.names import Latency
from loadtest.report.html_report import render
from loadtest.result import FaultRecord, RunResult
from loadtest.verdict.wording import words
from tests.loadtest.report.parsed_page import ParsedPage, parsed
from tests.loadtest.report.sample_run import sample_run

SECONDS = {"µs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0}

SPREAD_MEMBERS = ("mean", "p50", "p90", "p95", "p99", "p999", "maximum")
FEW = (Latency.SET_UP, Latency.FRAME_LATENESS)


@pytest.fixture(scope="module")
def run() -> RunResult:
    return sample_run(failing=8, fault_at=31.3, label="<b>Antiphon</b> & others")


@pytest.fixture(scope="module")
def small() -> RunResult:
    return sample_run(seconds=20, latencies=FEW)


@pytest.fixture(scope="module")
def html(run: RunResult) -> str:
    return render([run])


@pytest.fixture(scope="module")
def page(html: str) -> ParsedPage:
    return parsed(html)


@pytest.fixture(scope="module")
def two() -> str:
    return render([sample_run(label="one"), sample_run(seed=2, label="two", slower=1.5)])


def test_a_page_refers_to_nothing_outside_itself(html: str, two: str) -> None:
    for text in (html, two):
        names = {name for name, _ in parsed(text).elements}
        assert names.isdisjoint({"script", "link", "img", "iframe", "object", "base", "image"})
        assert all(reference.startswith("#") for reference in referring(text))
        assert len(referring(text)) > 20
        assert "://" not in text
        assert "@import" not in text


def test_what_is_referred_to_is_there_once(html: str, two: str) -> None:
    for text in (html, two):
        ids = re.findall(r'\bid="([^"]+)"', text)
        assert len(ids) == len(set(ids))
        assert set(re.findall(r'(?:href="#|url\(#|labelledby=")([^")]+)', text)) <= set(ids)


def test_a_page_is_small(html: str, two: str) -> None:
    assert len(html.encode()) < 250_000
    assert len(two.encode()) < 500_000


def test_a_long_run_makes_no_larger_page() -> None:
    short, long = (sample_run(seconds=seconds, latencies=FEW) for seconds in (240, 960))
    assert len(render([long])) < 1.2 * len(render([short]))


def test_what_a_run_says_is_text(html: str, page: ParsedPage) -> None:
    assert "<b>" not in html
    assert "<script>" not in html
    assert "<b>Antiphon</b> & others" in page.text
    assert "no answer to 7 checks of <script>1</script>" in page.text


def test_the_verdict_comes_first(run: RunResult, page: ParsedPage) -> None:
    begin = page.text[: page.text.index("Service levels")]
    failed = sum(not level.held for level in run.levels)
    assert "Not held" in begin
    assert f"{failed} of {len(run.levels)} service levels did not hold" in begin
    assert f"{run.peak_sessions} sessions at once" in begin


def test_service_levels_are_as_they_were_judged(run: RunResult, page: ParsedPage) -> None:
    rows = page.table("Service level").rows
    assert len(rows) == len(run.levels)
    for level, (name, _, measured, mark) in zip(run.levels, rows, strict=True):
        assert level.name in name
        assert mark == ("✓ held" if level.held else "✗ not held")
        assert level.measured is not None
        if level.unit == "ratio":
            assert float(measured.removesuffix(" %")) / 100 == pytest.approx(
                level.measured, rel=0.1
            )
        elif level.unit == "ms":
            assert seconds_of(measured) * 1e3 == pytest.approx(level.measured, rel=0.006)


def test_latencies_are_those_of_the_result(run: RunResult, page: ParsedPage) -> None:
    rows = {row[0]: row[1:] for row in page.table("Latency").rows}
    assert len(rows) == len(run.latencies)
    for name, spread in run.latencies.items():
        count, *values = rows[words(name)]
        assert int(count.replace(",", "")) == spread.count
        shown = [seconds_of(value) for value in values]
        assert shown == pytest.approx(
            [getattr(spread, member) for member in SPREAD_MEMBERS],
            rel=0.006,
        )


def test_counts_are_those_of_the_result(run: RunResult, page: ParsedPage) -> None:
    rows = {row[0]: int(row[1].replace(",", "")) for row in page.table("What").rows}
    assert rows == {words(name): count for name, count in run.totals.items()}


def test_faults_and_failures_are_told(page: ParsedPage) -> None:
    assert page.table("Fault").rows == [["restart relay pid 4711", "31.3 s", "400 ms", "620 ms"]]
    [[reason, count, _]] = page.table("Reason").rows
    assert (reason, count) == ("ice timeout", "8")


def test_plots_speak_to_those_who_do_not_see_them(page: ParsedPage) -> None:
    plots = page.attributes("svg")
    assert len(plots) == 12
    assert all(plot["role"] == "img" and plot["aria-label"] for plot in plots)


def test_tables_have_headers(page: ParsedPage) -> None:
    assert all(cell.get("scope") in ("col", "row") for cell in page.attributes("th"))


def test_the_run_can_be_repeated(run: RunResult, page: ParsedPage) -> None:
    assert "antiphon-loadtest run talk" in page.text
    assert f"With seed {run.scenario['seed']}" in page.text
    assert "sessions = 120" in page.text


def test_notes_on_the_harness_stand_above_all_figures(small: RunResult) -> None:
    noted = msgspec.structs.replace(small, notes=["The harness itself sent frames late."])
    text = parsed(render([noted])).text
    assert text.index("sent frames late") < text.index("Service levels")
    assert "What speaks against the figures is noted above" in text


def test_runs_stand_side_by_side(two: str) -> None:
    table = parsed(two).table("Measured")
    assert table.head == ["Measured", "talk, one", "talk, two"]
    assert ["Sessions at once (the most)", "120", "120"] in table.rows


def test_a_run_that_measured_nothing_has_a_page() -> None:
    run = msgspec.structs.replace(
        sample_run(service_levels={}), latencies={}, series=[], totals={}, peak_sessions=0
    )
    text = parsed(render([run])).text
    assert "there was no service level to hold" in text


def test_a_fault_that_did_not_heal_is_said_to_have_not(small: RunResult) -> None:
    fault = FaultRecord(second=20.0, action="hand_over", tier="relay")
    text = parsed(render([msgspec.structs.replace(small, faults=[fault])])).text
    assert "After “hand over relay” at 20\N{NO-BREAK SPACE}s it did not heal" in text


def test_a_fault_of_any_name_is_drawn(small: RunResult) -> None:
    fault = FaultRecord(second=10.0, action="kill", tier="$\\frac{$ \x00\x1b <b>")
    page = parsed(render([msgspec.structs.replace(small, faults=[fault])]))
    assert "kill $\\frac{$ \N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER} <b>" in page.text


def test_latencies_without_values_are_not_drawn() -> None:
    page = parsed(render([sample_run(seconds=20, latencies=(Latency.SET_UP,))]))
    labels = [plot["aria-label"] for plot in page.attributes("svg")]
    assert not any("Frame lateness" in label for label in labels)
    assert any(label.startswith("Set-up, cumulative") for label in labels)


def test_a_report_needs_a_run() -> None:
    with pytest.raises(ValueError, match="no run"):
        render([])


def referring(text: str) -> list[str]:
    """All that elements refer to, and their style."""
    members = ("href", "src", "action", "data", "poster", "srcset")
    found = [
        attributes[member]
        for _, attributes in parsed(text).elements
        for member in members
        if member in attributes
    ]
    return found + re.findall(r"url\(\s*[\"']?([^\"')]*)", text)


def seconds_of(text: str) -> float:
    value, unit = text.split(" ")
    return float(value) * SECONDS[unit]
