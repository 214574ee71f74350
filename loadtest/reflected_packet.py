"""The packet that a relay caller sends and a reflector sends back: docs/wire/reflected-packet.md.

Its content says whose it is. What arrives elsewhere is thereby known to be misrouted, at
either end.
"""

import struct
from dataclasses import dataclass
from typing import Final

PACKET_BYTES: Final = 120
"""As an Opus frame of 20 ms at 32 kbit/s, with SRTP's tag."""
FIRST_BYTE: Final = 0x80
"""RTP's version 2, nothing optional: https://datatracker.ietf.org/doc/html/rfc3550#section-5.1"""
PAYLOAD_TYPE: Final = 111
MARKER: Final = 0x80
TIMESTAMP_KHZ: Final = 48

SEQUENCE_AT: Final = 2
TIMESTAMP_AT: Final = 4
SSRC_AT: Final = 8
SESSION_AT: Final = 12
TAG_AT: Final = 16
NUMBER_AT: Final = 24
SENT_AT: Final = 32
REFLECTED_AT: Final = 40

_FORMAT = struct.Struct(">BBHIIIqI4xqq")


class PacketError(ValueError):
    """The datagram is no such packet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReflectedPacket:
    """One packet, with the RTP header that goes with it."""

    session: int
    """The session's number at its reflector."""
    tag: int
    """The session's own, drawn at random by the reflector; 64 bits, signed."""
    number: int
    """Of the packet in its session, from 0; RTP's sequence number is its lower half."""
    ssrc: int
    sent_ns: int
    """By the caller's monotonic clock."""
    reflected_ns: int = 0
    """By the reflector's; 0 on the way there."""
    marker: bool = False
    """Whether a talk spurt begins."""

    def encode(self) -> bytes:
        """Raises struct.error when a number does not fit."""
        fixed = _FORMAT.pack(
            FIRST_BYTE,
            PAYLOAD_TYPE | (MARKER if self.marker else 0),
            self.number & 0xFFFF,
            self.sent_ns // 1000 * TIMESTAMP_KHZ // 1000 & 0xFFFFFFFF,
            self.ssrc,
            self.session,
            self.tag,
            self.number,
            self.sent_ns,
            self.reflected_ns,
        )
        return fixed.ljust(PACKET_BYTES, b"\0")

    @classmethod
    def decode(cls, datagram: bytes) -> "ReflectedPacket":
        """Raises PacketError."""
        if len(datagram) != PACKET_BYTES:
            raise PacketError(f"{len(datagram)} bytes, not {PACKET_BYTES}")
        first, second, _sequence, _timestamp, ssrc, session, tag, number, sent, reflected = (
            _FORMAT.unpack_from(datagram)
        )
        if first != FIRST_BYTE or second & ~MARKER != PAYLOAD_TYPE:
            raise PacketError("not of this kind")
        return cls(
            session=session,
            tag=tag,
            number=number,
            ssrc=ssrc,
            sent_ns=sent,
            reflected_ns=reflected,
            marker=bool(second & MARKER),
        )
