"""HTTP/2 frames: https://www.rfc-editor.org/rfc/rfc9113#section-4.1

+-----------------------------------------------+
|                 Length (24)                   |
+---------------+---------------+---------------+
|   Type (8)    |   Flags (8)   |
+-+-------------+---------------+-------------------------------+
|R|                 Stream Identifier (31)                      |
+=+=============================================================+
|                   Frame Payload (0...)                      ...
"""

import struct
from collections.abc import Iterator
from enum import IntEnum

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEADER_BYTES = 9
DEFAULT_MAX_FRAME_BYTES = 16_384
DEFAULT_WINDOW_BYTES = 65_535
MAX_WINDOW_BYTES = (1 << 31) - 1

_HEADER = struct.Struct(">HBBBI")
_U32 = struct.Struct(">I")
_SETTING = struct.Struct(">HI")
_STREAM_BITS = 0x7FFFFFFF
_PRIORITY_BYTES = 5


class FrameType(IntEnum):
    DATA = 0
    HEADERS = 1
    RST_STREAM = 3
    SETTINGS = 4
    PUSH_PROMISE = 5
    PING = 6
    GOAWAY = 7
    WINDOW_UPDATE = 8
    CONTINUATION = 9


class Setting(IntEnum):
    ENABLE_PUSH = 2
    INITIAL_WINDOW_SIZE = 4
    MAX_FRAME_SIZE = 5


ACK = 0x1
END_STREAM = 0x1
END_HEADERS = 0x4
PADDED = 0x8
PRIORITY = 0x20


class Http2Error(ConnectionError):
    """What the peer sent is not HTTP/2."""


def encode_frame(kind: FrameType, payload: bytes, *, stream: int = 0, flags: int = 0) -> bytes:
    """One frame; the payload must fit the peer's maximum."""
    length = len(payload)
    return _HEADER.pack(length >> 8, length & 0xFF, kind, flags, stream) + payload


def encode_settings(settings: dict[Setting, int]) -> bytes:
    return encode_frame(
        FrameType.SETTINGS, b"".join(_SETTING.pack(*setting) for setting in settings.items())
    )


def encode_window_update(increment: int, *, stream: int = 0) -> bytes:
    return encode_frame(FrameType.WINDOW_UPDATE, _U32.pack(increment), stream=stream)


def take_frames(received: bytearray) -> Iterator[tuple[int, int, int, bytes]]:
    """Type, flags, stream and payload of each whole frame, which leaves `received`.

    Raises Http2Error for one that is longer than we allow.
    """
    start = 0
    try:
        while len(received) - start >= HEADER_BYTES:
            high, low, kind, flags, stream = _HEADER.unpack_from(received, start)
            length = high << 8 | low
            if length > DEFAULT_MAX_FRAME_BYTES:
                raise Http2Error(f"a frame of {length} bytes")
            end = start + HEADER_BYTES + length
            if end > len(received):
                return
            payload = bytes(received[start + HEADER_BYTES : end])
            start = end
            yield kind, flags, stream & _STREAM_BITS, payload
    finally:
        del received[:start]


def unpadded(payload: bytes, flags: int) -> bytes:
    """The content of a DATA or HEADERS frame. Raises Http2Error."""
    if not flags & PADDED:
        return payload
    end = len(payload) - payload[0] if payload else 0
    if end < 1:
        raise Http2Error("more padding than there is frame")
    return payload[1:end]


def header_block(payload: bytes, flags: int) -> bytes:
    """A HEADERS frame's share of the header block. Raises Http2Error."""
    content = unpadded(payload, flags)
    return content[_PRIORITY_BYTES:] if flags & PRIORITY else content


def decode_settings(payload: bytes) -> dict[int, int]:
    """Raises Http2Error."""
    if len(payload) % _SETTING.size:
        raise Http2Error("settings are cut off")
    return dict(_SETTING.iter_unpack(payload))


def decode_u32(payload: bytes, *, at: int = 0) -> int:
    """Such as a window's increment, or an error code. Raises Http2Error."""
    if len(payload) < at + _U32.size:
        raise Http2Error("a frame is cut off")
    (value,) = _U32.unpack_from(payload, at)
    return int(value)
