from antiphon.restart_policy import LONGEST_BACKOFF_S, MOST_ENDS, WINDOW_S, RestartPolicy


def test_the_first_end_is_answered_at_once() -> None:
    assert RestartPolicy().ended(100.0) == 0.0


def test_ends_in_a_row_wait_longer_and_longer_and_then_give_up() -> None:
    policy = RestartPolicy()
    delays = [policy.ended(100.0 + end) for end in range(MOST_ENDS)]
    assert delays == [0.0, 0.25, 0.5, 1.0, 2.0]
    assert all(delay is not None and delay <= LONGEST_BACKOFF_S for delay in delays)
    assert policy.ended(110.0) is None


def test_ends_far_apart_are_each_the_first() -> None:
    policy = RestartPolicy()
    assert [policy.ended(end * WINDOW_S) for end in range(20)] == [0.0] * 20
