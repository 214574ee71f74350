"""As much of RFC 6455 as a client of the load needs, with little work for each frame."""

import struct
from collections.abc import Iterator

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
_FINAL, _MASKED = 0x80, 0x80
_NO_MASK = bytes(4)
"""Allowed as any other: frames can be made once, and be sent for ever."""


def client_frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """https://www.rfc-editor.org/rfc/rfc6455#section-5.2"""
    size = len(payload)
    if size < 126:
        length = bytes([_MASKED | size])
    elif size < 1 << 16:
        length = struct.pack(">BH", _MASKED | 126, size)
    else:
        length = struct.pack(">BQ", _MASKED | 127, size)
    return bytes([_FINAL | opcode]) + length + _NO_MASK + payload


class ServerFrames:
    """Cuts a server's bytes into frames; it fragments none."""

    def __init__(self) -> None:
        self._buffer = b""

    def receive(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Opcode and payload of each frame that is whole."""
        buffer = self._buffer + data if self._buffer else data
        start, end = 0, len(buffer)
        while end - start >= 2:
            size, at = buffer[start + 1], start + 2
            if size >= 126:
                width = 2 if size == 126 else 8
                if end - at < width:
                    break
                size, at = int.from_bytes(buffer[at : at + width], "big"), at + width
            if end - at < size:
                break
            yield buffer[start] & 0x0F, buffer[at : at + size]
            start = at + size
        self._buffer = buffer[start:]
