import pytest

from antiphon_proto.demux import PacketKind, packet_kind


def kind_by_rfc7983(first: int, second: int) -> PacketKind:
    if first in range(4):
        return PacketKind.STUN
    if first in range(20, 64):
        return PacketKind.DTLS
    if first in range(128, 192):
        return PacketKind.RTCP if second in range(192, 224) else PacketKind.RTP
    return PacketKind.OTHER


def test_every_pair_of_first_bytes() -> None:
    for first in range(256):
        for second in (0, 0x6F, 0x80 | 111, 191, 192, 200, 201, 206, 223, 224, 255):
            expected = kind_by_rfc7983(first, second)
            assert packet_kind(bytes((first, second, 0, 0))) is expected, (first, second)


@pytest.mark.parametrize("datagram", [b"", b"\x00", b"\x16", b"\x80"])
def test_one_byte_is_no_packet_of_any_kind(datagram: bytes) -> None:
    assert packet_kind(datagram) is PacketKind.OTHER


def test_a_view_into_a_receive_buffer_will_do() -> None:
    buffer = bytearray(b"\xff\x80\xc8\x00\x06")
    assert packet_kind(memoryview(buffer)[1:]) is PacketKind.RTCP
