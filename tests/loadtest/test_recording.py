from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import permutations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.deployment.deployment import TierUse
from loadtest.measures.histogram import Histogram
from loadtest.measures.interval import MAX_EXAMPLES, FailedCall, Interval
from loadtest.measures.names import Count, Failure, Latency
from loadtest.recording import OPEN_SECONDS, Recording
from loadtest.result import FaultRecord, RunResult
from loadtest.scenario.scenario import Load, Scenario

SCENARIO = Scenario(name="recorded", load=Load(sessions=4, ramp_seconds=1, hold_seconds=4))


def recording(scenario: Scenario = SCENARIO, workers: int = 1) -> Recording:
    return Recording(
        scenario,
        workers=workers,
        started_at=datetime(2026, 11, 21, 12, tzinfo=UTC),
        machine={"cores": 2.0},
        label="here",
    )


def of(values: Iterable[float]) -> Histogram:
    histogram = Histogram()
    histogram.record_many(values)
    return histogram


def heard(
    second: int, *, sessions: int = 2, set_up: Iterable[float] = (), cpu: float = 0.1
) -> Interval:
    set_up = list(set_up)
    return Interval(
        second,
        {Count.CALLS_SET_UP: len(set_up), Count.FRAMES_RECEIVED: 100},
        sessions,
        {Latency.SET_UP: of(set_up)} if set_up else {},
        cpu_seconds=cpu,
    )


def result_of(parts: Iterable[tuple[int, Interval]], workers: int = 2) -> RunResult:
    run = recording(workers=workers)
    for worker, interval in parts:
        run.add(interval, worker)
    return run.result()


def test_seconds_of_all_workers_are_added() -> None:
    parts = [
        (0, heard(0, set_up=[0.1, 0.2])),
        (1, heard(0, sessions=3, set_up=[0.4])),
        (0, heard(1)),
    ]
    result = result_of(parts)
    first, second = result.series
    assert (first.second, first.sessions, first.workers_cpu) == (0, 5, pytest.approx(0.2))
    assert first.counts == {"calls_set_up": 3, "frames_received": 200}
    assert first.latencies["set_up"] == pytest.approx((0.2, 0.4, 0.4), rel=1e-3)
    assert second.counts == {"frames_received": 100}
    assert result.totals == {"calls_set_up": 3, "frames_received": 300}
    assert (result.peak_sessions, result.seconds, result.workers) == (5, 2.0, 2)


def test_the_order_in_which_workers_tell_does_not_matter() -> None:
    parts = [
        (worker, heard(second, set_up=[0.01 * (worker + 1) * (second + 1)]))
        for worker in range(2)
        for second in range(2)
    ]
    results = [result_of(order) for order in permutations(parts)]
    assert all(result == results[0] for result in results)


def test_what_comes_late_is_added_all_the_same() -> None:
    in_time = [(worker, heard(n, set_up=[0.1 + worker])) for n in range(40) for worker in range(2)]
    late = [part for part in in_time if part != in_time[1]] + [in_time[1]]
    assert OPEN_SECONDS < 40
    assert result_of(late) == result_of(in_time)


@given(st.lists(st.lists(st.floats(0.001, 10.0), max_size=5), min_size=1, max_size=25))
def test_a_runs_latencies_are_those_of_all_its_seconds(seconds: list[list[float]]) -> None:
    result = result_of((0, heard(n, set_up=values)) for n, values in enumerate(seconds))
    total = of(value for values in seconds for value in values)
    assert result.totals.get("calls_set_up", 0) == total.count
    if total.count:
        assert result.latencies["set_up"].histogram == total.encode().decode()
        assert result.latencies["set_up"].p99 == total.percentile(99)
    else:
        assert result.latencies == {}


def test_latencies_count_after_the_warm_up_alone() -> None:
    warm = msgspec.structs.replace(SCENARIO, warm_up_seconds=2)
    run = recording(warm)
    for second in range(4):
        run.add(heard(second, set_up=[float(second + 1)]))
    result = run.result()
    assert result.latencies["set_up"].count == 2
    assert result.latencies["set_up"].maximum == pytest.approx(4.0, rel=1e-3)
    assert result.totals["calls_set_up"] == 4
    assert [second.latencies["set_up"][2] for second in result.series] == pytest.approx(
        [1, 2, 3, 4], rel=1e-3
    )


def test_failures_are_counted_by_reason_with_some_examples() -> None:
    run = recording()
    for second in range(4):
        refused = tuple(FailedCall(second * 10 + n, Failure.REFUSED, "503") for n in range(3))
        other = (FailedCall(99, Failure.NO_MEDIA, ""),) if second == 3 else ()
        failed = {Failure.REFUSED: 50} | ({Failure.NO_MEDIA: 1} if other else {})
        run.add(Interval(second, failures=refused + other, failed=failed))
    refused_record, silent = run.result().failures
    assert (refused_record.reason, refused_record.count) == ("refused", 200)
    assert len(refused_record.examples) == MAX_EXAMPLES
    assert refused_record.examples[0] == "call 0: 503"
    assert silent.examples == ["call 99"]


def test_faults_are_recorded_in_their_order_and_healed() -> None:
    run = recording()
    for second in range(12):
        run.add(heard(second))
    for second in (8.5, 6.2):
        run.add_fault(FaultRecord(second=second, action="kill", tier="relay"))
    faults = run.result().faults
    assert [(fault.second, fault.healed_seconds) for fault in faults] == [(6.2, 0.0), (8.5, 0.0)]


def test_tiers_are_shown_with_the_second_that_they_were_watched_in() -> None:
    run = recording()
    run.add(heard(0))
    run.add_use(0, TierUse({"relay": 0.25}, {"relay": 1000}))
    [second] = run.result().series
    assert (second.tiers_cpu, second.tiers_memory) == ({"relay": 0.25}, {"relay": 1000})


def test_the_recent_is_what_all_workers_have_told() -> None:
    run = recording(workers=2)
    assert run.recent() is None
    run.add(heard(0, set_up=[0.1]), 0)
    assert run.recent() is None
    run.add(heard(0, set_up=[0.2]), 1)
    run.add(heard(1, sessions=9, set_up=[0.3]), 0)
    recent = run.recent()
    assert recent is not None
    assert (recent.second, recent.sessions) == (0, 4)
    assert recent.latencies[Latency.SET_UP].count == 2
    run.add(heard(1, sessions=9), 1)
    both = run.recent(seconds=5)
    assert both is not None
    assert (both.second, both.sessions) == (1, 18)
    assert both.latencies[Latency.SET_UP].count == 3


def lateness(arrival_s: float, send_s: float, cpu: float = 0.2) -> list[str]:
    run = recording()
    latencies = {
        Latency.ARRIVAL_LATENESS: of([arrival_s] * 10),
        Latency.SEND_LATENESS: of([send_s] * 10),
    }
    for second in range(3):
        run.add(Interval(second, latencies=latencies, cpu_seconds=cpu if second else 0.2))
    return run.result().notes


def test_a_harness_in_time_is_not_spoken_of() -> None:
    assert lateness(0.001, 0.001) == []


def test_a_harness_that_was_late_says_so() -> None:
    [began, sent, busy] = lateness(0.2, 0.03, cpu=0.97)
    assert began.startswith("The harness itself began calls late: p99 200.1 ms, over 50 ms.")
    assert sent.startswith("The harness itself sent frames late: p99 30.0 ms, over 10 ms.")
    assert busy == "Worker 0 used more than 90% of a core in 2 of 3 seconds."


def test_a_worker_that_was_held_up_is_not_taken_for_busy() -> None:
    run = recording()
    for second, cpu in ((0, 0.5), (3, 1.5), (4, 0.95), (6, 1.9)):
        run.add(Interval(second, cpu_seconds=cpu))
    assert run.result().notes == ["Worker 0 used more than 90% of a core in 3 of 7 seconds."]


def test_notes_of_others_are_kept() -> None:
    run = recording()
    run.note("Worker 3 was lost.")
    assert run.result().notes == ["Worker 3 was lost."]


def test_a_result_says_what_was_run_and_on_what() -> None:
    result = recording().result()
    assert (result.name, result.label) == ("recorded", "here")
    assert result.started_at == "2026-11-21T12:00:00+00:00"
    assert result.machine == {"cores": 2.0}
    assert msgspec.convert(result.scenario, Scenario) == SCENARIO
    assert (result.seconds, result.series, result.levels, result.passed) == (0.0, [], [], False)
