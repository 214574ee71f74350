"""Packs the frames of our own stream with those before them.

https://www.rfc-editor.org/rfc/rfc2198#section-3
"""

from transceiver.rtp.red import MAX_BLOCK_BYTES, MAX_OFFSET

_FOLLOWED = 1 << 31
_OFFSET_SHIFT = 10


class RedPacker:
    """A run of frames of one payload type, `frame_ticks` apart, each repeating some before it.

    A receiver tells a repeated frame's sequence number by its place, so what is repeated
    has no gaps: a frame too long for its header's 10 bits ends the run.
    """

    def __init__(self, payload_type: int, frame_ticks: int) -> None:
        self._primary_header = bytes([payload_type])
        self._headers = [
            _FOLLOWED | payload_type << 24 | offset << _OFFSET_SHIFT
            for offset in range(frame_ticks, MAX_OFFSET + 1, frame_ticks)
        ]
        """Of the block that lies 1, 2, ... frames back, without its length."""
        self._run: list[bytes] = []

    def pack(self, frame: bytes, blocks: int) -> bytes:
        """The payload of this frame's packet, which repeats at most `blocks` frames."""
        run = self._run
        del run[: max(0, len(run) - min(blocks, len(self._headers)))]
        headers, back = b"", len(run)
        for earlier in run:
            back -= 1
            headers += (self._headers[back] | len(earlier)).to_bytes(4, "big")
        payload = headers + self._primary_header + b"".join(run) + frame
        if len(frame) > MAX_BLOCK_BYTES:
            run.clear()
        else:
            run.append(frame)
        return payload

    def interrupt(self) -> None:
        """The next frame does not follow the last: it repeats nothing."""
        self._run.clear()
