"""A ring of frames against a list of them."""

import pytest

from transceiver.forwarded_frames import FRAMES_KEPT, ForwardedFrame, ForwardedFrames


@pytest.mark.parametrize("count", [1, 2, FRAMES_KEPT, FRAMES_KEPT + 1, 3 * FRAMES_KEPT + 7])
def test_the_last_ones_are_found_by_what_is_behind_them(count: int) -> None:
    every = [
        ForwardedFrame(20 * index, index % 8 / 1024, 5 + 0.02 * index) for index in range(count)
    ]
    frames = ForwardedFrames()
    for frame in every:
        frames.add(frame.position_ms, frame.waited_s, frame.at)
    kept = every[-FRAMES_KEPT:]
    assert [frames.last_before(frame.position_ms + 1) for frame in kept] == kept
    assert frames.last_before(kept[0].position_ms) is None
    assert frames.last_before(20 * count + 10_000) == every[-1]


def test_of_no_frames_none_is_found() -> None:
    assert ForwardedFrames().last_before(100) is None
