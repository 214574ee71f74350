import pytest

from loadtest.callers.fault_gaps import FaultGaps
from loadtest.callers.fleet import RunClock
from loadtest.measures.measures import Measures
from loadtest.measures.names import Latency
from loadtest.scenario.scenario import Fault, FaultAction

STARTED_AT = 1000.0
FAULT = Fault(at_seconds=20.0, action=FaultAction.RESTART, tier="relay")


@pytest.mark.parametrize(
    ("times", "gaps"),
    [
        ([19.9, 20.7, 20.72], 1),
        ([19.9, 20.7, 25.0, 29.99], 3),
        ([19.98, 20.05, 20.1], 0),
        ([5.0, 6.0, 7.0], 0),
        ([31.0, 32.0], 0),
        ([19.9, 45.0], 1),
    ],
)
def test_gaps_around_a_fault_are_noted(times: list[float], gaps: int) -> None:
    measures = Measures()
    watched = FaultGaps((FAULT,), RunClock(STARTED_AT), measures)
    for each in times:
        watched.heard(STARTED_AT + each)
    found = measures.take(0).latencies
    assert (found[Latency.HEALING].count if gaps else len(found)) == gaps


def test_a_gap_is_as_long_as_nothing_came() -> None:
    measures = Measures()
    watched = FaultGaps((FAULT,), RunClock(STARTED_AT), measures)
    for each in (1019.9, 1020.7):
        watched.heard(each)
    assert measures.take(0).latencies[Latency.HEALING].maximum == pytest.approx(0.8, rel=0.01)


def test_what_does_not_heal_in_a_call_is_a_gap_until_its_end() -> None:
    measures = Measures()
    watched = FaultGaps((FAULT,), RunClock(STARTED_AT), measures)
    watched.heard(1020.0)
    watched.close(1028.0)
    assert measures.take(0).latencies[Latency.HEALING].maximum == pytest.approx(8.0, rel=0.01)


def test_a_call_that_never_heard_anything_has_no_gap() -> None:
    measures = Measures()
    FaultGaps((FAULT,), RunClock(STARTED_AT), measures).close(1028.0)
    assert not measures.take(0).latencies
