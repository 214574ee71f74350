"""Whole frames, whatever pieces the input comes in."""

from hypothesis import given
from hypothesis import strategies as st

from inference.engines.native.input_framer import FRAME_BYTES, InputFramer


@given(st.lists(st.integers(0, 3 * FRAME_BYTES), max_size=8))
def test_nothing_is_lost_or_added(lengths: list[int]) -> None:
    pcm = bytes(index % 251 for index in range(sum(lengths)))
    framer, frames, start = InputFramer(), [], 0
    for length in lengths:
        frames += framer.push(pcm[start : start + length])
        start += length
    assert {len(frame) for frame in frames} <= {FRAME_BYTES}
    assert b"".join(frames) == pcm[: len(pcm) // FRAME_BYTES * FRAME_BYTES]


def test_a_partial_frame_can_be_forgotten() -> None:
    framer = InputFramer()
    framer.push(b"\1" * (FRAME_BYTES - 2))
    framer.clear()
    assert framer.push(b"\2" * FRAME_BYTES) == [b"\2" * FRAME_BYTES]
