import msgspec
import pytest

from loadtest.measures.names import Count, Latency
from loadtest.result import FaultRecord, LevelRecord, RunResult, Second
from loadtest.scenario.scenario import Scenario
from loadtest.verdict.service_levels import SERVICE_LEVELS, UnknownServiceLevelError
from loadtest.verdict.verdict import check, judge
from tests.loadtest.report.sample_run import sample_run


def judged(result: RunResult, **bounds: float) -> list[LevelRecord]:
    scenario = msgspec.convert(result.scenario, Scenario)
    return judge(result, msgspec.structs.replace(scenario, service_levels=bounds))


def run_of(*seconds: dict[Count, int], warm_up: float = 0.0) -> RunResult:
    """Whose seconds counted so much."""
    series = [
        Second(
            second=number,
            sessions=5,
            counts={str(name): value for name, value in counts.items()},
            latencies={},
            workers_cpu=0.1,
        )
        for number, counts in enumerate(seconds)
    ]
    totals: dict[str, int] = {}
    for second in series:
        for name, value in second.counts.items():
            totals[name] = totals.get(name, 0) + value
    run = sample_run(seconds=10)
    scenario = {**run.scenario, "warm_up_seconds": warm_up}
    return msgspec.structs.replace(run, series=series, totals=totals, scenario=scenario)


def test_latencies_are_held_to_an_upper_bound_in_milliseconds() -> None:
    run = sample_run()
    spread = run.latencies[Latency.SET_UP]
    held, missed = judged(run, set_up_p50_ms=spread.p50 * 1e3, set_up_max_ms=spread.p50 * 1e3)
    assert (held.held, missed.held) == (True, False)
    assert held.measured == spread.p50 * 1e3
    assert missed.measured == spread.maximum * 1e3
    assert held.unit == "ms"


@pytest.mark.parametrize(
    ("percentile", "member"),
    [("p50", "p50"), ("p90", "p90"), ("p95", "p95"), ("p99", "p99"), ("p999", "p999")],
)
def test_each_percentile_is_its_own(percentile: str, member: str) -> None:
    run = sample_run()
    [level] = judged(run, **{f"round_trip_{percentile}_ms": 1.0})
    assert level.measured == getattr(run.latencies[Latency.ROUND_TRIP], member) * 1e3


def test_shares_that_must_be_large_are_held_to_a_lower_bound() -> None:
    run = run_of({Count.FRAMES_RECEIVED: 99, Count.FRAMES_LOST: 1, Count.FRAMES_ON_SCHEDULE: 98})
    on_schedule, lost = judged(run, frames_on_schedule=0.98, frames_lost=0.005)
    assert (on_schedule.measured, on_schedule.held) == (0.98, True)
    assert (lost.measured, lost.held) == (0.01, False)


def test_what_was_not_measured_did_not_hold() -> None:
    run = run_of({Count.CALLS_STARTED: 3})
    run = msgspec.structs.replace(run, latencies={})
    levels = judged(run, voice_to_voice_p95_ms=1e4, frames_lost=1.0, misrouted=1e9, turns_right=0)
    assert [(level.measured, level.held) for level in levels] == [(None, False)] * 4


def test_frames_of_the_warm_up_do_not_count_but_its_failed_calls_do() -> None:
    run = run_of(
        {Count.FRAMES_RECEIVED: 10, Count.FRAMES_LOST: 10, Count.CALLS_STARTED: 2}
        | {Count.CALLS_FAILED: 1, Count.MISROUTED: 1},
        {Count.FRAMES_RECEIVED: 20},
        warm_up=1.0,
    )
    lost, failed, misrouted = judged(run, frames_lost=0.0, calls_failed=0.0, misrouted=0.0)
    assert (lost.measured, failed.measured, misrouted.measured) == (0.0, 0.5, 1.0)


def test_turns_that_go_on_at_the_end_are_neither_right_nor_wrong() -> None:
    run = run_of({Count.TURNS: 12, Count.TURNS_RIGHT: 6, Count.TURNS_WRONG: 2})
    [right] = judged(run, turns_right=0.7)
    assert (right.measured, right.held) == (0.75, True)


def test_the_set_up_rate_is_that_of_the_ramp() -> None:
    run = run_of({Count.CALLS_SET_UP: 30}, {Count.CALLS_SET_UP: 50}, {Count.CALLS_SET_UP: 1})
    load = {**run.scenario["load"], "ramp_seconds": 2.0}
    run = msgspec.structs.replace(run, scenario={**run.scenario, "load": load})
    [rate] = judged(run, set_up_rate=40)
    assert (rate.measured, rate.held) == (40.0, True)


def test_seconds_that_nobody_told_of_make_no_rate_higher() -> None:
    run = run_of({Count.CALLS_SET_UP: 30}, {}, {Count.CALLS_SET_UP: 60})
    load = {**run.scenario["load"], "ramp_seconds": 3.0}
    run = msgspec.structs.replace(
        run, series=run.series[::2], scenario={**run.scenario, "load": load}
    )
    [rate] = judged(run, set_up_rate=40)
    assert (rate.measured, rate.held) == (30.0, False)


def healed(*seconds: float | None) -> RunResult:
    faults = [
        FaultRecord(second=9.0, action="kill", tier="relay", healed_seconds=each)
        for each in seconds
    ]
    return msgspec.structs.replace(sample_run(), faults=faults)


def test_the_fault_that_took_longest_to_heal_counts() -> None:
    [level] = judged(healed(0.2, 0.9), faults_healed_ms=800)
    assert (level.measured, level.held) == (900.0, False)


def test_a_fault_that_did_not_heal_does_not_hold() -> None:
    [level] = judged(healed(0.2, None), faults_healed_ms=1e6)
    assert (level.measured, level.held) == (None, False)


def test_a_run_without_service_levels_has_not_passed() -> None:
    assert judged(sample_run()) == []
    assert not msgspec.structs.replace(sample_run(), levels=[]).passed


def test_every_level_is_found_by_its_name() -> None:
    check(SERVICE_LEVELS)
    assert all(level.name == name for name, level in SERVICE_LEVELS.items())


def test_an_unknown_level_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(UnknownServiceLevelError) as refused:
        check(["frames_lost", "frame_lost"])
    text = str(refused.value)
    assert text.startswith("service_levels.frame_lost: no such service level; did you mean")
    assert "frames_lost" in text
    assert "\n" not in text
