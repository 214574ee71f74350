import numpy as np
import pytest

from loadtest.measures.detail import MAX_DETAIL
from loadtest.measures.interval import MAX_EXAMPLES, FailedCall, Interval
from loadtest.measures.measures import Measures
from loadtest.measures.names import Count, Failure, Latency


def test_an_interval_has_what_was_noted_since_the_last_one() -> None:
    measures = Measures()
    measures.note(Latency.SET_UP, 0.1)
    measures.note(Latency.SET_UP, 0.3)
    measures.count(Count.FRAMES_SENT, 50)
    first, second = measures.take(0, cpu_seconds=0.25), measures.take(1)
    assert first.second == 0
    assert first.counts == {Count.FRAMES_SENT: 50}
    assert first.latencies[Latency.SET_UP].count == 2
    assert first.cpu_seconds == 0.25
    assert second == Interval(1)


def test_latencies_come_one_by_one_and_in_arrays() -> None:
    measures = Measures()
    measures.note(Latency.FRAME_LATENESS, 0.001)
    measures.note_many(Latency.FRAME_LATENESS, [0.002, 0.003])
    measures.note_many(Latency.FRAME_LATENESS, np.array([0.004, 0.005]))
    measures.note_many(Latency.ROUND_TRIP, np.array([]))
    noted = measures.take(0).latencies
    assert noted[Latency.FRAME_LATENESS].count == 5
    assert noted[Latency.FRAME_LATENESS].maximum == pytest.approx(0.005, rel=1e-3)
    assert all(histogram.count for histogram in noted.values())


def test_sessions_are_those_that_are_up() -> None:
    measures = Measures()
    for _ in range(3):
        measures.opened()
    measures.closed()
    interval = measures.take(0)
    assert interval.sessions == measures.sessions == 2
    assert interval.counts == {Count.CALLS_SET_UP: 3}
    assert measures.take(1).sessions == 2


def test_failed_calls_are_all_counted_and_some_kept() -> None:
    measures = Measures()
    for number in range(100):
        measures.failed(number, Failure.REFUSED, "503: at\ncapacity")
    measures.failed(100, Failure.NO_MEDIA, "x" * 1000)
    interval = measures.take(0)
    assert interval.counts == {Count.CALLS_FAILED: 101}
    assert interval.failed == {Failure.REFUSED: 100, Failure.NO_MEDIA: 1}
    refused = [FailedCall(n, Failure.REFUSED, "503: at capacity") for n in range(MAX_EXAMPLES)]
    assert interval.failures == (*refused, FailedCall(100, Failure.NO_MEDIA, "x" * MAX_DETAIL))
    assert measures.take(1).failures == ()


def test_details_neither_tell_secrets_nor_command_a_terminal() -> None:
    measures = Measures(secrets=("sk-secret", ""))
    measures.failed(0, Failure.REFUSED, "401: \x1b[2J no key \0 sk-secret")
    (failed,) = measures.take(0).failures
    assert (
        failed.detail
        == "401: \N{REPLACEMENT CHARACTER}[2J no key \N{REPLACEMENT CHARACTER} [hidden]"
    )


def test_intervals_of_several_processes_merge() -> None:
    parts = []
    for worker in range(3):
        measures = Measures()
        measures.opened()
        measures.note_many(Latency.SET_UP, [0.1 * (worker + 1)] * 10)
        for number in range(4):
            measures.failed(number, Failure.ICE_TIMEOUT)
        parts.append(measures.take(7, cpu_seconds=0.5))
    merged = Interval.merged(7, parts)
    assert (merged.second, merged.sessions, merged.cpu_seconds) == (7, 3, 1.5)
    assert merged.counts == {Count.CALLS_SET_UP: 3, Count.CALLS_FAILED: 12}
    assert merged.latencies[Latency.SET_UP].count == 30
    assert merged.failed == {Failure.ICE_TIMEOUT: 12}
    assert len(merged.failures) == MAX_EXAMPLES
    assert parts[0].latencies[Latency.SET_UP].count == 10
