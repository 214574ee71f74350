"""As many pods as the load of a while ago takes, and fewer only after a while."""

from loadtest.simulation.autoscaler import Autoscaler
from loadtest.simulation.scenario import Autoscaling


def autoscaler(**changes: float) -> Autoscaler:
    settings = Autoscaling(
        target=0.5,
        minimum=2,
        metric_delay_seconds=changes.get("delay", 0.0),
        settle_seconds=changes.get("settle", 0.0),
        growth=changes.get("growth", 10.0),
    )
    return Autoscaler(settings, 20, 100)


def test_pods_are_what_the_load_takes() -> None:
    assert autoscaler().want(0.0, 4, 400) == 8
    assert autoscaler().want(0.0, 8, 201) == 5


def test_a_load_about_as_wanted_changes_nothing() -> None:
    assert autoscaler().want(0.0, 10, 540) == 10
    assert autoscaler().want(0.0, 10, 460) == 10


def test_pods_stay_within_their_bounds() -> None:
    assert autoscaler().want(0.0, 4, 100_000) == 20
    assert autoscaler().want(0.0, 4, 0) == 2


def test_pods_grow_only_so_fast() -> None:
    assert autoscaler(growth=1.5).want(0.0, 4, 1000) == 6


def test_one_that_begins_anew_wants_what_is_there_for_a_while() -> None:
    patient = autoscaler(settle=60.0)
    patient.want(0.0, 8, 100)
    patient.begin_anew(100.0, 8)
    assert [patient.want(at, 8, 0) for at in (115.0, 160.0, 161.0)] == [8, 8, 2]


def test_what_is_seen_is_old() -> None:
    slow = autoscaler(delay=30.0)
    wanted = [slow.want(15.0 * tick, 4, 200 if tick < 2 else 800) for tick in range(6)]
    assert wanted == [4, 4, 4, 4, 16, 16]


def test_pods_go_only_once_fewer_were_enough_for_long() -> None:
    patient = autoscaler(settle=60.0)
    assert patient.want(0.0, 8, 400) == 8
    assert [patient.want(at, 8, 100) for at in (15.0, 45.0, 60.0)] == [8, 8, 8]
    assert patient.want(61.0, 8, 100) == 2
