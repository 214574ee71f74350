from relay.drain_watch import QUIET_S, DrainWatch


def test_waits_while_calls_speak() -> None:
    watch = DrainWatch(deadline=1000.0)

    for second in range(100):
        assert watch.over(bound=3, forwarded=50 * second, now=float(second)) is None


def test_is_over_without_a_call() -> None:
    assert DrainWatch(deadline=1000.0).over(bound=0, forwarded=7, now=1.0) == "no call is left"


def test_is_over_when_nothing_was_forwarded_for_a_while() -> None:
    watch = DrainWatch(deadline=1000.0)
    assert watch.over(bound=1, forwarded=7, now=1.0) is None

    assert watch.over(bound=1, forwarded=7, now=1.0 + QUIET_S / 2) is None
    assert watch.over(bound=1, forwarded=7, now=1.0 + QUIET_S) == "nobody speaks any more"


def test_silence_while_a_worker_comes_up_means_nothing() -> None:
    watch = DrainWatch(deadline=1000.0)
    assert watch.over(bound=1, forwarded=7, now=1.0) is None

    assert watch.over(bound=None, forwarded=7, now=1.0 + QUIET_S) is None
    assert watch.over(bound=1, forwarded=7, now=1.5 + QUIET_S) is None
    assert watch.over(bound=1, forwarded=7, now=1.0 + 2 * QUIET_S) is not None
    assert watch.over(bound=None, forwarded=7, now=1000.0) == "the time to drain is over"


def test_is_over_at_the_deadline_whoever_speaks() -> None:
    watch = DrainWatch(deadline=10.0)

    assert watch.over(bound=1, forwarded=7, now=9.9) is None
    assert watch.over(bound=1, forwarded=8, now=10.0) == "the time to drain is over"
