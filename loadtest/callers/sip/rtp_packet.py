"""RTP as telephones write it: https://www.rfc-editor.org/rfc/rfc3550#section-5.1"""

import struct
from dataclasses import dataclass

_HEADER = struct.Struct(">BBHII")
_VERSION = 0x80
_MARKER = 0x80
_RTCP_TYPES = range(192, 224)
"""https://www.rfc-editor.org/rfc/rfc5761#section-4"""


class RtpError(ValueError):
    """No RTP."""


@dataclass(frozen=True, slots=True)
class RtpPacket:
    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False

    def encode(self) -> bytes:
        second = self.payload_type | (_MARKER if self.marker else 0)
        return (
            _HEADER.pack(_VERSION, second, self.sequence, self.timestamp, self.ssrc) + self.payload
        )

    @classmethod
    def parse(cls, datagram: bytes) -> "RtpPacket":
        """Raises RtpError."""
        try:
            first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(datagram)
            begins = _HEADER.size + 4 * (first & 0x0F)
            if first & 0x10:
                begins += 4 + 4 * int.from_bytes(datagram[begins + 2 : begins + 4], "big")
            ends = len(datagram) - (datagram[-1] if first & 0x20 else 0)
        except struct.error as error:
            raise RtpError("shorter than its header") from error
        if first >> 6 != 2 or begins > ends:
            raise RtpError("no RTP of version 2")
        payload = datagram[begins:ends]
        return cls(second & 0x7F, sequence, timestamp, ssrc, payload, bool(second & _MARKER))


def is_rtcp(datagram: bytes) -> bool:
    """Of datagrams that share a port."""
    return len(datagram) > 1 and datagram[1] in _RTCP_TYPES
