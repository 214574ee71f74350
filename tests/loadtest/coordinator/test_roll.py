import pytest

from loadtest.coordinator.roll import JoinError, Roll, Stage
from loadtest.measures.interval import Interval
from loadtest.measures.names import Count


def test_places_are_given_in_turn_or_as_asked() -> None:
    roll = Roll(3)
    assert [roll.join("host", place, 0.0).number for place in (None, 2, None)] == [0, 2, 1]
    with pytest.raises(JoinError, match="all places of 3"):
        roll.join("host", None, 0.0)


@pytest.mark.parametrize("place", [0, 2])
def test_a_place_that_is_taken_or_none_is_refused(place: int) -> None:
    roll = Roll(2)
    roll.join("host", 0, 0.0)
    with pytest.raises(JoinError):
        roll.join("host", place, 0.0)


def test_a_place_is_free_again_until_the_run_begins() -> None:
    roll = Roll(1)
    assert roll.lose(roll.join("host", None, 0.0), "gone")
    roll.ready(roll.join("other", None, 0.0), 0.0, 0.0)
    assert roll.complete
    roll.start(1.0)
    with pytest.raises(JoinError, match="begun"):
        roll.join("host", None, 2.0)


def test_who_is_silent_is_missed_from_the_start_on() -> None:
    roll = Roll(2)
    members = [roll.join("host", None, 0.0) for _ in range(2)]
    for member in members:
        roll.ready(member, 0.0, 0.0)
    roll.start(100.0)
    roll.measured(members[0], Interval(0), 104.0)
    assert list(roll.silent(104.0, 5.0)) == []
    assert list(roll.silent(106.0, 5.0)) == [members[1]]


def test_a_run_is_over_when_all_have_finished_or_are_lost() -> None:
    roll = Roll(2)
    members = [roll.join("host", None, 0.0) for _ in range(2)]
    for member in members:
        roll.ready(member, 0.0, 0.0)
    roll.start(0.0)
    roll.finished(members[0], 0, 0)
    assert not roll.over
    assert roll.lose(members[1], "gone")
    assert roll.over
    assert not roll.lose(members[0], "its stream ended, as it was to")
    assert [member.stage for member in roll.members] == [Stage.FINISHED, Stage.LOST]


def test_what_a_member_tells_of_its_calls_is_summed() -> None:
    roll = Roll(1)
    member = roll.join("host", None, 0.0)
    counts = {Count.CALLS_STARTED: 5, Count.CALLS_ENDED: 2, Count.CALLS_FAILED: 1}
    for second in range(2):
        roll.measured(member, Interval(second, counts), 0.0)
    assert (member.calls_started, member.calls_over, member.calls_failed) == (10, 6, 2)


def test_who_is_lost_or_has_finished_stays_so() -> None:
    roll = Roll(2)
    lost, finished = (roll.join("host", None, 0.0) for _ in range(2))
    for member in (lost, finished):
        roll.ready(member, 0.0, 0.0)
    roll.start(0.0)
    roll.lose(lost, "silent")
    roll.finished(finished, 0, 0)
    roll.finished(lost, 3, 3)
    for member in (lost, finished):
        roll.ready(member, 0.0, 5.0)
    assert (lost.stage, finished.stage) == (Stage.LOST, Stage.FINISHED)
    assert roll.over
