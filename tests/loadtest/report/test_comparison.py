import msgspec
import pytest

from loadtest.measures.names import Count, Latency
from loadtest.report.comparison import Change, ComparedQuantity, Comparison, compare, summary
from loadtest.report.comparison_page import render
from loadtest.result import RunResult
from tests.loadtest.report.parsed_page import parsed
from tests.loadtest.report.sample_run import sample_run

MEDIA = (Latency.SET_UP, Latency.FRAME_LATENESS, Latency.ROUND_TRIP, Latency.SEND_LATENESS)


def run(**changes: object) -> RunResult:
    return sample_run(latencies=MEDIA, **changes)


def found(comparison: Comparison, name: str) -> ComparedQuantity:
    [row] = [row for row in comparison.quantities if row.name == name]
    return row


def counted(result: RunResult, what: Count, number: int) -> RunResult:
    return msgspec.structs.replace(result, totals={**result.totals, str(what): number})


def test_a_run_is_the_same_as_itself() -> None:
    comparison = compare(run(), run())
    assert {row.change for row in comparison.quantities} == {Change.SAME, Change.NEUTRAL}
    assert summary(comparison) == "Nothing changed beyond the noise."
    assert not comparison.differences


def test_runs_that_differ_by_chance_alone_are_the_same() -> None:
    pairs = [compare(run(seed=seed), run(seed=seed + 50)) for seed in range(10)]
    rows = [row for comparison in pairs for row in comparison.quantities]
    changed = [row for row in rows if row.change in (Change.BETTER, Change.WORSE)]
    assert len(changed) <= len(rows) / 50


@pytest.mark.parametrize("name", ["set_up_p50_ms", "frame_lateness_p99_ms", "cores_relay"])
def test_what_takes_longer_is_worse_and_the_other_way_round_better(name: str) -> None:
    usual, slow = run(), run(seed=2, slower=1.4)
    assert found(compare(usual, slow), name).change is Change.WORSE
    assert found(compare(slow, usual), name).change is Change.BETTER
    assert found(compare(usual, slow), name).relative == pytest.approx(0.4, abs=0.15)


def test_what_is_significant_but_small_is_the_same() -> None:
    row = found(compare(run(), run(slower=1.03)), "round_trip_p50_ms")
    assert row.change is Change.SAME


def test_the_load_itself_is_neither_better_nor_worse() -> None:
    row = found(compare(run(), run(seed=2)), "send_lateness_p99_ms")
    assert row.change is Change.NEUTRAL


def test_more_frames_on_schedule_are_better() -> None:
    late = run()
    series = [
        msgspec.structs.replace(
            second,
            counts={**second.counts, "frames_on_schedule": second.counts["frames_sent"] // 2},
        )
        for second in late.series
    ]
    late = msgspec.structs.replace(late, series=series)
    assert found(compare(late, run()), "frames_on_schedule").change is Change.BETTER
    assert found(compare(run(), late), "frames_on_schedule").change is Change.WORSE


def test_one_misrouted_packet_is_worse_whatever_the_noise() -> None:
    comparison = compare(run(), counted(run(), Count.MISROUTED, 1))
    assert found(comparison, "misrouted").change is Change.WORSE
    assert summary(comparison).startswith("1 of ")
    assert "are worse, foremost Misrouted packets" in summary(comparison)


def test_failed_calls_are_worse_though_they_failed_all_at_once() -> None:
    assert found(compare(run(), run(failing=40)), "calls_failed").change is Change.WORSE


def test_runs_too_short_to_know_their_noise_say_nothing() -> None:
    row = found(compare(run(seconds=18), run(seconds=18, slower=3.0)), "set_up_p50_ms")
    assert (row.change, row.noise) == (Change.UNKNOWN, None)


def test_what_only_one_of_them_measured_says_nothing() -> None:
    comparison = compare(run(), sample_run(latencies=(Latency.BARGE_IN,)))
    row = found(comparison, "barge_in_p50_ms")
    assert (row.before, row.change) == (None, Change.UNKNOWN)


def test_in_what_runs_were_not_alike_is_said() -> None:
    other = msgspec.structs.replace(run(seed=2), workers=2, machine={"processor": "another"})
    assert set(compare(run(), other).differences) >= {
        "scenario.seed",
        "machine.processor",
        "workers",
    }


def test_a_comparison_has_a_page() -> None:
    comparison = compare(run(label="a<b"), run(label="b", slower=1.5))
    page = parsed(render(comparison))
    table, *_ = [table for table in page.tables if table.head[-1:] == ["Verdict"]]
    assert table.head[:3] == ["Measured", "talk, a<b", "talk, b"]
    assert [row[-1] for row in table.rows if row[0] == "Set-up, median"] == ["▼ worse"]
    assert len(table.rows) == len(comparison.quantities)
