"""RTP packets on the wire: https://www.rfc-editor.org/rfc/rfc3550#section-5.1

 0                   1                   2                   3
 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
|V=2|P|X|  CC   |M|     PT      |        sequence number        |
|                           timestamp                           |
|                             SSRC                              |
|                  CSRC (CC times), extension (X)               |
"""

import struct
from dataclasses import dataclass

_HEADER = struct.Struct(">BBHII")
_EXTENSION_HEADER = struct.Struct(">HH")
_VERSION_2 = 0x80
_PADDING = 0x20
_EXTENSION = 0x10
_MARKER = 0x80


class RtpError(ValueError):
    """Not an RTP packet."""


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """The fields that a voice stream uses; header extensions and CSRCs are skipped."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    """Without padding. Empty in a packet that only probes for bandwidth."""
    marker: bool = False

    @classmethod
    def parse(cls, packet: bytes) -> "RtpPacket":
        """Read an unprotected packet. Raises RtpError."""
        if len(packet) < _HEADER.size:
            raise RtpError("shorter than the fixed header")
        first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(packet)
        if first & 0xC0 != _VERSION_2:
            raise RtpError("not version 2")
        start = _HEADER.size + 4 * (first & 0x0F)
        if first & _EXTENSION:
            start = _after_extension(packet, start)
        end = len(packet)
        if first & _PADDING:
            end -= packet[-1] or end
        if start > end:
            raise RtpError("the header or the padding is longer than the packet")
        payload, marker = packet[start:end], bool(second & _MARKER)
        return cls(second & 0x7F, sequence, timestamp, ssrc, payload, marker)

    def encode(self) -> bytes:
        second = self.payload_type | (_MARKER if self.marker else 0)
        header = _HEADER.pack(_VERSION_2, second, self.sequence, self.timestamp, self.ssrc)
        return header + self.payload


def _after_extension(packet: bytes, start: int) -> int:
    if start + _EXTENSION_HEADER.size > len(packet):
        raise RtpError("the extension header is cut off")
    _profile, words = _EXTENSION_HEADER.unpack_from(packet, start)
    return start + _EXTENSION_HEADER.size + 4 * int(words)
