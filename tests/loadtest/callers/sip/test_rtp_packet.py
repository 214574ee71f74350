import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.callers.sip.rtp_packet import RtpError, RtpPacket, is_rtcp

PACKETS = st.builds(
    RtpPacket,
    payload_type=st.integers(0, 127),
    sequence=st.integers(0, 0xFFFF),
    timestamp=st.integers(0, 0xFFFFFFFF),
    ssrc=st.integers(0, 0xFFFFFFFF),
    payload=st.binary(max_size=200),
    marker=st.booleans(),
)


@given(PACKETS)
def test_what_is_written_is_read(packet: RtpPacket) -> None:
    assert RtpPacket.parse(packet.encode()) == packet


@given(PACKETS, st.integers(0, 11))
def test_a_piece_of_a_header_is_none(packet: RtpPacket, length: int) -> None:
    with pytest.raises(RtpError):
        RtpPacket.parse(packet.encode()[:length])


@given(st.binary(max_size=64))
def test_nothing_else_is_raised(datagram: bytes) -> None:
    try:
        RtpPacket.parse(datagram)
    except RtpError:
        return


def test_csrcs_an_extension_and_padding_are_left_out() -> None:
    header = bytes([0xB1, 0x80, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3]) + b"csrc"
    datagram = header + b"\xbe\xde\x00\x01" + b"ext." + b"voice" + b"\0\0\3"
    assert RtpPacket.parse(datagram) == RtpPacket(0, 1, 2, 3, b"voice", marker=True)


def test_rtcp_is_told_apart() -> None:
    assert is_rtcp(bytes([0x80, 200]) + bytes(26))
    assert not is_rtcp(RtpPacket(0, 1, 2, 3, b"", marker=True).encode())
