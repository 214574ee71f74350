"""Which protocol a datagram on a shared media port belongs to.

https://datatracker.ietf.org/doc/html/rfc7983#section-7
"""

from enum import Enum


class PacketKind(Enum):
    """The protocols of a WebRTC transport; OTHER is everything that none of them can be."""

    STUN = "stun"
    DTLS = "dtls"
    RTP = "rtp"
    RTCP = "rtcp"
    OTHER = "other"


def _kind_of_first_byte(first: int) -> PacketKind:
    if first <= 3:
        return PacketKind.STUN
    if 20 <= first <= 63:
        return PacketKind.DTLS
    if 128 <= first <= 191:
        return PacketKind.RTP
    return PacketKind.OTHER


_BY_FIRST_BYTE = tuple(_kind_of_first_byte(first) for first in range(256))


def packet_kind(datagram: bytes | memoryview) -> PacketKind:
    """Classify by the first byte, and RTP from RTCP by the second."""
    if len(datagram) < 2:
        return PacketKind.OTHER
    kind = _BY_FIRST_BYTE[datagram[0]]
    # https://datatracker.ietf.org/doc/html/rfc5761#section-4
    if kind is PacketKind.RTP and 192 <= datagram[1] <= 223:
        return PacketKind.RTCP
    return kind
