"""HTTP/2 frames as RFC 9113 draws them; the vectors are written out by hand from it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transceiver.http2_frames import (
    DEFAULT_MAX_FRAME_BYTES,
    PADDED,
    PRIORITY,
    FrameType,
    Http2Error,
    Setting,
    decode_settings,
    decode_u32,
    encode_frame,
    encode_settings,
    encode_window_update,
    header_block,
    take_frames,
    unpadded,
)

payloads = st.binary(max_size=300)
frames = st.tuples(
    st.sampled_from(FrameType), st.integers(0, 255), st.integers(0, (1 << 31) - 1), payloads
)


def test_a_ping() -> None:
    """https://www.rfc-editor.org/rfc/rfc9113#section-6.7"""
    assert encode_frame(FrameType.PING, b"12345678", flags=1) == (
        bytes.fromhex("000008 06 01 00000000") + b"12345678"
    )


def test_settings_and_window_updates() -> None:
    settings = encode_settings({Setting.ENABLE_PUSH: 0, Setting.INITIAL_WINDOW_SIZE: 65535})
    assert settings == bytes.fromhex("00000c 04 00 00000000 0002 00000000 0004 0000ffff")
    assert decode_settings(settings[9:]) == {2: 0, 4: 65535}
    update = encode_window_update(1000, stream=1)
    assert update == bytes.fromhex("000004 08 00 00000001 000003e8")
    assert decode_u32(update[9:]) == 1000


@given(sent=st.lists(frames, max_size=8), cuts=st.lists(st.integers(0, 2000), max_size=8))
def test_frames_arrive_however_the_network_cuts_them(
    sent: list[tuple[FrameType, int, int, bytes]], cuts: list[int]
) -> None:
    wire = b"".join(
        encode_frame(kind, payload, stream=stream, flags=flags)
        for kind, flags, stream, payload in sent
    )
    ends = sorted({min(cut, len(wire)) for cut in cuts} | {len(wire)})
    received, taken, start = bytearray(), [], 0
    for end in ends:
        received += wire[start:end]
        taken += list(take_frames(received))
        start = end
    assert taken == sent
    assert not received


def test_the_reserved_bit_is_ignored() -> None:
    wire = bytearray(encode_frame(FrameType.DATA, b"", stream=(1 << 31) | 1))
    assert list(take_frames(wire)) == [(FrameType.DATA, 0, 1, b"")]


def test_a_frame_that_is_too_long_is_an_error_before_it_is_there() -> None:
    header = encode_frame(FrameType.DATA, bytes(DEFAULT_MAX_FRAME_BYTES + 1))[:9]
    with pytest.raises(Http2Error):
        list(take_frames(bytearray(header)))


def test_padding_is_taken_off() -> None:
    assert unpadded(b"\2abc\0\0", PADDED) == b"abc"
    assert unpadded(b"\0abc", PADDED) == b"abc"
    assert unpadded(b"\2abc", 0) == b"\2abc"


@pytest.mark.parametrize("payload", [b"", b"\1", b"\4abc"])
def test_more_padding_than_frame_is_an_error(payload: bytes) -> None:
    with pytest.raises(Http2Error):
        unpadded(payload, PADDED)


def test_a_header_blocks_priority_is_taken_off() -> None:
    assert header_block(b"12345block", PRIORITY) == b"block"
    assert header_block(b"\x0112345block\0", PRIORITY | PADDED) == b"block"


@pytest.mark.parametrize("payload", [b"\0\2\0\0\0", b"1234567"])
def test_settings_that_are_cut_off(payload: bytes) -> None:
    with pytest.raises(Http2Error):
        decode_settings(payload)


def test_a_number_that_is_cut_off() -> None:
    with pytest.raises(Http2Error):
        decode_u32(b"123")
