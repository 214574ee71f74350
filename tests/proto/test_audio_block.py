"""The flat audio block: vectors of its layout, and what it refuses."""

import json
import re
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_proto.audio_block import (
    AudioBlockError,
    AudioFrame,
    downlink_position,
    pack_frames,
    split_downlink_position,
    unpack_frames,
)
from antiphon_proto.inference.v1.inference_pb2 import AudioBlock

ROOT = Path(__file__).parents[2]
VECTORS = json.loads((ROOT / "tests/vectors/audio_block.json").read_text())["blocks"]

uint32 = st.integers(0, 2**32 - 1)
pcm = st.binary(max_size=60).map(lambda data: data[: len(data) // 2 * 2])
frames = st.lists(st.builds(AudioFrame, uint32, st.integers(0, 2**64 - 1), pcm), max_size=8)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_vectors(vector: dict[str, Any]) -> None:
    given_frames = [frame_of(frame) for frame in vector["frames"]]
    block = pack_frames(given_frames)

    assert (block.headers.hex(), block.samples.hex()) == (vector["headers"], vector["samples"])
    assert unpack_frames(block) == given_frames


def frame_of(frame: dict[str, Any]) -> AudioFrame:
    position = frame.get("position")
    if position is None:
        position = downlink_position(frame["response"], frame["offset"])
    return AudioFrame(frame["session"], position, bytes.fromhex(frame["pcm"]))


def test_the_page_shows_the_vectors() -> None:
    page = (ROOT / "docs/wire/trunk.md").read_text()
    blocks = re.findall(r"^```\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    shown = {re.sub(r"   .*|\s", "", block) for block in blocks}
    assert {vector["headers"] + vector["samples"] for vector in VECTORS[:2]} <= shown


@given(frames)
def test_round_trip(given_frames: list[AudioFrame]) -> None:
    assert unpack_frames(pack_frames(given_frames)) == given_frames


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_any_bytes_give_frames_or_the_documented_error(headers: bytes, samples: bytes) -> None:
    try:
        unpacked = unpack_frames(AudioBlock(headers=headers, samples=samples))
    except AudioBlockError:
        return
    again = pack_frames(unpacked)
    assert (again.headers, again.samples) == (headers, samples)


@given(frames.filter(bool), st.data())
def test_a_truncated_block_is_refused(given_frames: list[AudioFrame], data: st.DataObject) -> None:
    block = pack_frames(given_frames)
    cut = data.draw(st.integers(0, len(block.headers) - 1))
    shortened = AudioBlock(headers=block.headers[:cut], samples=block.samples)
    try:
        unpacked = unpack_frames(shortened)
    except AudioBlockError:
        return
    assert unpacked == given_frames[: len(unpacked)]
    assert all(frame.pcm == b"" for frame in given_frames[len(unpacked) :])


@pytest.mark.parametrize(
    ("headers", "samples"),
    [
        pytest.param(b"\0" * 15, b"", id="half a header"),
        pytest.param(struct.pack("<IIQ", 1, 4, 0), b"\0\0", id="too few samples"),
        pytest.param(struct.pack("<IIQ", 1, 2, 0), b"\0" * 4, id="samples without a header"),
        pytest.param(struct.pack("<IIQ", 1, 3, 0), b"\0" * 3, id="half a sample"),
        pytest.param(b"", b"\0\0", id="no header at all"),
    ],
)
def test_inconsistent_lengths_are_refused(headers: bytes, samples: bytes) -> None:
    with pytest.raises(AudioBlockError):
        unpack_frames(AudioBlock(headers=headers, samples=samples))


@pytest.mark.parametrize(
    "frame", [(2**32, 0, b""), (-1, 0, b""), (1, 2**64, b""), (1, -1, b""), (1, 0, b"\0")]
)
def test_a_frame_that_does_not_fit_is_refused(frame: tuple[int, int, bytes]) -> None:
    with pytest.raises(AudioBlockError):
        pack_frames([frame])


@given(uint32, uint32)
def test_downlink_position_round_trip(response: int, offset: int) -> None:
    assert split_downlink_position(downlink_position(response, offset)) == (response, offset)
