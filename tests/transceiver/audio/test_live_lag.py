"""What is dropped of a live stream, frame time by frame time."""

from hypothesis import given
from hypothesis import strategies as st

from transceiver.audio.live_lag import TOLERATED_FRAMES, WINDOW_FRAMES, LiveLag


def dropped(waiting: list[int]) -> list[int]:
    lag = LiveLag()
    return [lag.surplus(frames) for frames in waiting]


def test_nothing_is_dropped_of_a_stream_in_time() -> None:
    assert not any(dropped([1] * 200))
    assert not any(dropped([1 + TOLERATED_FRAMES] * 200))


def test_what_is_never_needed_is_dropped_after_a_second() -> None:
    assert dropped([4] * WINDOW_FRAMES) == [0] * (WINDOW_FRAMES - 1) + [3]


def test_what_jitter_needs_now_and_then_is_kept() -> None:
    assert not any(dropped([5, 5, 5, 1, 5] * 40))


def test_what_was_made_ahead_of_time_is_all_heard() -> None:
    assert not any(dropped(list(range(400, 0, -1))))


@given(st.lists(st.integers(0, 8), max_size=300))
def test_the_frame_that_is_due_is_never_dropped(waiting: list[int]) -> None:
    drops = dropped(waiting)
    assert all(drop == 0 or drop < frames for drop, frames in zip(drops, waiting, strict=True))
