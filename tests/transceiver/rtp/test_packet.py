import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transceiver.rtp.packet import RtpError, RtpPacket

extensions = st.binary(max_size=40).map(
    lambda elements: (
        struct.pack(">HH", 0xBEDE, -(-len(elements) // 4)) + elements + bytes(-len(elements) % 4)
    )
)
packets = st.builds(
    RtpPacket,
    payload_type=st.integers(0, 127),
    sequence=st.integers(0, 0xFFFF),
    timestamp=st.integers(0, 0xFFFFFFFF),
    ssrc=st.integers(0, 0xFFFFFFFF),
    payload=st.binary(max_size=200),
    marker=st.booleans(),
    extension=st.just(b"") | extensions,
)


@given(packets)
def test_a_packet_survives_the_wire(packet: RtpPacket) -> None:
    assert RtpPacket.parse(packet.encode()) == packet


def test_csrcs_and_padding_are_skipped_and_the_extension_is_kept() -> None:
    # The extension is as Chromium writes it; here with a CSRC before it, and padding.
    packet = (
        struct.pack(">BBHIII", 0x80 | 0x20 | 0x10 | 1, 0x80 | 111, 7, 960, 0xABCD, 0x1234)
        + bytes.fromhex("bede0002 10ff3142 00000000")
        + b"opus"
        + b"\0\0\3"
    )
    assert RtpPacket.parse(packet) == RtpPacket(
        111, 7, 960, 0xABCD, b"opus", True, bytes.fromhex("bede0002 10ff3142 00000000")
    )


def test_a_packet_of_padding_only_has_an_empty_payload() -> None:
    packet = struct.pack(">BBHII", 0xA0, 63, 7, 960, 1) + bytes(254) + b"\xff"
    assert RtpPacket.parse(packet).payload == b""


@pytest.mark.parametrize(
    "malformed",
    [
        b"",
        bytes(12),
        b"\x80\x6f" + bytes(9),
        b"\x40\x6f" + bytes(10),
        b"\x8f\x6f" + bytes(10),
        b"\x90\x6f" + bytes(10),
        b"\x90\x6f" + bytes(10) + b"\xbe\xde\x00\x01",
        b"\xa0\x6f" + bytes(10) + b"\x00",
        b"\xa0\x6f" + bytes(10) + b"\x02",
    ],
)
def test_what_is_not_rtp_is_refused(malformed: bytes) -> None:
    with pytest.raises(RtpError):
        RtpPacket.parse(malformed)


@given(st.binary(max_size=100), st.integers(0x80, 0xBF))
def test_any_bytes_parse_or_raise_the_documented_error(body: bytes, first: int) -> None:
    try:
        packet = RtpPacket.parse(bytes([first]) + body)
    except RtpError:
        return
    assert len(packet.payload) + len(packet.extension) <= len(body)
