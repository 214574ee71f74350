"""RTP as it is, behind the interface of SRTP: for peers that protect nothing."""

_RTP_HEADER_BYTES = 12
_SEQUENCES = 1 << 16


class PlainSender:
    """Sends packets as they are."""

    def protect(self, packet: bytes) -> bytes:
        return packet

    def protect_rtcp(self, packet: bytes) -> bytes:
        return packet


class PlainReceiver:
    """Takes packets as they are. Nothing says who they are from but where they came from."""

    authenticates = False
    first = False
    """Never: an SSRC that anyone can write is not remembered as the client's."""

    newest: bool
    """Whether the packet taken last is ahead of every one before it of its source."""

    def __init__(self) -> None:
        self.newest = False
        self._source = b""
        self._sequence = 0

    def unprotect(self, packet: bytes) -> bytes:
        if len(packet) < _RTP_HEADER_BYTES:
            self.newest = False
            return packet
        source, sequence = packet[8:12], packet[2] << 8 | packet[3]
        ahead = (sequence - self._sequence) % _SEQUENCES
        self.newest = source != self._source or 0 < ahead < _SEQUENCES // 2
        if self.newest:
            self._source, self._sequence = source, sequence
        return packet

    def unprotect_rtcp(self, packet: bytes) -> bytes:
        self.newest = True
        return packet
