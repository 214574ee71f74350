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
from typing import NamedTuple

_HEADER = struct.Struct(">BBHII")
_HEADER_BYTES = _HEADER.size
_EXTENSION_HEADER_BYTES = 4
_VERSION_2 = 0x80
_PADDING = 0x20
_EXTENSION = 0x10
_MARKER = 0x80


class RtpError(ValueError):
    """Not an RTP packet."""


class RtpPacket(NamedTuple):
    """The fields that a voice stream uses; CSRCs are skipped.

    A named tuple, because there is one for every packet: it is as immutable as a frozen
    dataclass and takes a third of the time to make.
    """

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    """Without padding. Empty in a packet that only probes for bandwidth."""
    marker: bool = False
    extension: bytes = b""
    """The header extension, its profile and length first; empty when there is none.
    Nothing in it is checked: see `header_extensions`."""

    @classmethod
    def parse(cls, packet: bytes) -> "RtpPacket":
        """Read an unprotected packet. Raises RtpError."""
        end = len(packet)
        if end < _HEADER_BYTES:
            raise RtpError("shorter than the fixed header")
        first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(packet)
        if first & 0xC0 != _VERSION_2:
            raise RtpError("not version 2")
        extension_start = payload_start = _HEADER_BYTES + 4 * (first & 0x0F)
        if first & _EXTENSION:
            payload_start += _EXTENSION_HEADER_BYTES
            if payload_start > end:
                raise RtpError("the extension header is cut off")
            payload_start += 4 * (packet[payload_start - 2] << 8 | packet[payload_start - 1])
        if first & _PADDING:
            end -= packet[-1] or end
        if payload_start > end:
            raise RtpError("the header or the padding is longer than the packet")
        return cls(
            second & 0x7F,
            sequence,
            timestamp,
            ssrc,
            packet[payload_start:end],
            second >= _MARKER,
            packet[extension_start:payload_start],
        )

    def encode(self) -> bytes:
        first = _VERSION_2 | (_EXTENSION if self.extension else 0)
        second = self.payload_type | (_MARKER if self.marker else 0)
        header = _HEADER.pack(first, second, self.sequence, self.timestamp, self.ssrc)
        return header + self.extension + self.payload
