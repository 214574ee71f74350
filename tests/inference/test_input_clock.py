"""Input frames on one clock: no overlaps, no small holes, long holes jumped."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.input_clock import MAX_FILL_S, InputClock, Run

RATE = 16_000
FRAME = b"\x01\x02" * 320


@pytest.fixture
def clock() -> InputClock:
    clock = InputClock(RATE)
    clock.place(0, FRAME)
    return clock


def test_frames_in_order_pass_through(clock: InputClock) -> None:
    assert clock.place(320, FRAME) == [Run(320, FRAME)]


def test_the_first_frame_says_where_the_clock_stands() -> None:
    clock = InputClock(RATE)

    assert clock.place(100 * RATE, FRAME) == [Run(100 * RATE, FRAME)]
    assert clock.place(100 * RATE + 320, FRAME) == [Run(100 * RATE + 320, FRAME)]


def test_a_hole_is_filled_with_silence(clock: InputClock) -> None:
    assert clock.place(960, FRAME) == [Run(320, bytes(1280)), Run(960, FRAME)]


def test_a_long_hole_is_filled_at_its_start_and_jumped(clock: InputClock) -> None:
    silence, frame = clock.place(100 * RATE, FRAME)

    assert silence == Run(320, bytes(MAX_FILL_S * RATE * 2))
    assert frame == Run(100 * RATE, FRAME)


def test_what_repeats_is_cut_off_and_counted(clock: InputClock) -> None:
    assert clock.place(160, FRAME) == [Run(320, FRAME[320:])]
    assert clock.place(0, FRAME) == []
    assert clock.overlapped_samples == 160 + 320


@given(st.lists(st.tuples(st.integers(0, 5 * RATE), st.integers(0, 400)), max_size=20))
def test_runs_never_overlap_and_never_go_back(frames: list[tuple[int, int]]) -> None:
    clock, end = InputClock(RATE), 0
    for position, samples in frames:
        for run in clock.place(position, bytes(2 * samples)):
            assert run.position >= end
            end = run.position + len(run.pcm) // 2
    assert clock.position == end
