from loadtest.coordinator.lost_calls import lost_calls
from loadtest.coordinator.roll import Member
from loadtest.measures.names import Count, Failure
from loadtest.scenario.scenario import Load, Scenario

SCENARIO = Scenario(name="small", load=Load(sessions=20, ramp_seconds=20.0, hold_seconds=10.0))
"""One call each second, which lasts to the end; every other one is worker 1's."""


def test_calls_in_hand_fail_and_others_are_not_placed() -> None:
    told = Member(1, "host", calls_started=3, calls_over=1)
    calls = lost_calls(SCENARIO, 2, told, 9.5)
    assert (calls.in_hand, calls.untold, calls.unplaced) == (4, 2, 5)
    interval = calls.interval(9)
    assert interval.counts == {Count.CALLS_STARTED: 2, Count.CALLS_FAILED: 4}
    assert interval.failed == {Failure.WORKER_LOST: 4}


def test_what_was_told_counts_where_it_is_more_than_was_planned() -> None:
    told = Member(1, "host", calls_started=5)
    assert lost_calls(SCENARIO, 2, told, 0.0).in_hand == 5


def test_a_worker_without_calls_leaves_no_failures() -> None:
    assert lost_calls(SCENARIO, 2, Member(1, "host"), 0.0).interval(0).failed == {}
