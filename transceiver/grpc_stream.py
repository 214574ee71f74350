"""One gRPC call that streams both ways, on an HTTP/2 connection of its own: bytes and messages.

https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md

Any gRPC server answers it. The general libraries cost the media path more than decoding
the audio does: docs/decisions/0019-lean-trunk.md.
"""

import struct
from collections.abc import Iterable

from hpack import Decoder, Encoder
from hpack.exceptions import HPACKError

from transceiver.http2_frames import (
    ACK,
    DEFAULT_MAX_FRAME_BYTES,
    DEFAULT_WINDOW_BYTES,
    END_HEADERS,
    END_STREAM,
    MAX_WINDOW_BYTES,
    PREFACE,
    FrameType,
    Http2Error,
    Setting,
    decode_settings,
    decode_u32,
    encode_frame,
    encode_settings,
    encode_window_update,
    header_block,
    take_frames,
    unpadded,
)

MAX_MESSAGE_BYTES = 16 << 20
MAX_HEADER_BYTES = 64 << 10

_STREAM = 1
_PREFIX = struct.Struct(">BI")
_UNCOMPRESSED = 0
_WINDOW_STEP_BYTES = DEFAULT_WINDOW_BYTES // 2
"""What was read is told to the server in steps of this size, so that most reads need no reply."""

_CONNECTION_FRAMES = frozenset({FrameType.SETTINGS, FrameType.PING, FrameType.GOAWAY})


class GrpcStreamError(ConnectionError):
    """The server ended the call, or does not speak gRPC."""


class GrpcStream:
    """Sans-IO: hand what the socket gave to `receive`, and write what `take` gives."""

    def __init__(self, authority: str, path: str) -> None:
        """`path` names the method: "/package.Service/Method"."""
        self._outgoing = bytearray(PREFACE)
        self._outgoing += encode_settings({Setting.ENABLE_PUSH: 0})
        self._outgoing += _request_headers(authority, path)
        self._received = bytearray()
        self._messages = bytearray()
        self._header_block = bytearray()
        self._header_decoder = Decoder(max_header_list_size=MAX_HEADER_BYTES)
        self._unsent = bytearray()
        self._max_frame_bytes = DEFAULT_MAX_FRAME_BYTES
        self._initial_window = DEFAULT_WINDOW_BYTES
        self._connection_window = DEFAULT_WINDOW_BYTES
        self._stream_window = DEFAULT_WINDOW_BYTES
        self._unacknowledged = 0
        self.ready = False
        """Whether the server has introduced itself."""
        self.pings_unanswered = 0

    @property
    def blocked(self) -> bool:
        """Whether a message waits for the server to make room."""
        return bool(self._unsent)

    def send(self, message: bytes) -> None:
        """Send a serialised message, as far as the server has room for it, the rest later."""
        self._unsent += _PREFIX.pack(_UNCOMPRESSED, len(message))
        self._unsent += message
        self._pump()

    def receive(self, data: bytes) -> list[bytes]:
        """The messages that `data` completes. Raises GrpcStreamError."""
        self._received += data
        self.pings_unanswered = 0
        try:
            for kind, flags, stream, payload in take_frames(self._received):
                self._handle(kind, flags, stream, payload)
        except (Http2Error, HPACKError) as error:
            raise GrpcStreamError(f"not HTTP/2: {error}") from error
        return self._take_messages()

    def ping(self) -> None:
        """Ask for a sign of life: `pings_unanswered` is 0 again once the server sends anything."""
        self.pings_unanswered += 1
        self._outgoing += encode_frame(FrameType.PING, bytes(8))

    @property
    def replies(self) -> bool:
        """Whether `take` has something."""
        return bool(self._outgoing)

    def take(self) -> bytes:
        """What is to be written."""
        taken = bytes(self._outgoing)
        self._outgoing.clear()
        return taken

    def _handle(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == FrameType.DATA:
            self._receive_data(flags, stream, payload)
        elif kind == FrameType.WINDOW_UPDATE:
            self._widen(stream, decode_u32(payload))
        elif kind in (FrameType.HEADERS, FrameType.CONTINUATION):
            self._receive_headers(kind, flags, payload)
        elif kind == FrameType.RST_STREAM:
            raise GrpcStreamError(f"the server gave the call up, code {decode_u32(payload)}")
        elif kind == FrameType.PUSH_PROMISE:
            raise Http2Error("a push that was forbidden")
        elif kind in _CONNECTION_FRAMES:
            self._receive_control(kind, flags, payload)

    def _receive_control(self, kind: int, flags: int, payload: bytes) -> None:
        if kind == FrameType.SETTINGS and not flags & ACK:
            self._apply(decode_settings(payload))
            self._outgoing += encode_frame(FrameType.SETTINGS, b"", flags=ACK)
        elif kind == FrameType.PING and not flags & ACK:
            self._outgoing += encode_frame(FrameType.PING, payload, flags=ACK)
        elif kind == FrameType.GOAWAY and decode_u32(payload) < _STREAM:
            raise GrpcStreamError(f"the server goes away, code {decode_u32(payload, at=4)}")

    def _receive_data(self, flags: int, stream: int, payload: bytes) -> None:
        if stream != _STREAM:
            raise Http2Error("data of a stream that was not opened")
        self._messages += unpadded(payload, flags)
        self._unacknowledged += len(payload)
        if self._unacknowledged >= _WINDOW_STEP_BYTES:
            self._outgoing += encode_window_update(self._unacknowledged)
            self._outgoing += encode_window_update(self._unacknowledged, stream=_STREAM)
            self._unacknowledged = 0
        if flags & END_STREAM:
            raise GrpcStreamError("the server ended the call")

    def _receive_headers(self, kind: int, flags: int, payload: bytes) -> None:
        """Of the response's beginning or its end."""
        self._header_block += header_block(payload, flags) if kind == FrameType.HEADERS else payload
        if len(self._header_block) > MAX_HEADER_BYTES:
            raise Http2Error("the headers are too long")
        if flags & END_HEADERS:
            block, self._header_block = bytes(self._header_block), bytearray()
            _check_headers(self._header_decoder.decode(block, raw=True))
        if kind == FrameType.HEADERS and flags & END_STREAM:
            raise GrpcStreamError("the server ended the call")

    def _apply(self, settings: dict[int, int]) -> None:
        """https://www.rfc-editor.org/rfc/rfc9113#section-6.9.2"""
        window = settings.get(Setting.INITIAL_WINDOW_SIZE, self._initial_window)
        self._stream_window += window - self._initial_window
        self._initial_window = window
        self._max_frame_bytes = settings.get(Setting.MAX_FRAME_SIZE, self._max_frame_bytes)
        self.ready = True
        self._pump()

    def _widen(self, stream: int, increment: int) -> None:
        if stream == 0:
            self._connection_window += increment
        elif stream == _STREAM:
            self._stream_window += increment
        if max(self._connection_window, self._stream_window) > MAX_WINDOW_BYTES:
            raise Http2Error("a window grew too wide")
        self._pump()

    def _pump(self) -> None:
        """Frame as much of what waits as there is room for."""
        while self._unsent:
            room = min(self._connection_window, self._stream_window, self._max_frame_bytes)
            if room <= 0:
                return
            payload = bytes(self._unsent[:room])
            del self._unsent[:room]
            self._connection_window -= len(payload)
            self._stream_window -= len(payload)
            self._outgoing += encode_frame(FrameType.DATA, payload, stream=_STREAM)

    def _take_messages(self) -> list[bytes]:
        messages: list[bytes] = []
        start = 0
        buffer = self._messages
        while len(buffer) - start >= _PREFIX.size:
            compressed, length = _PREFIX.unpack_from(buffer, start)
            if compressed != _UNCOMPRESSED or length > MAX_MESSAGE_BYTES:
                raise GrpcStreamError("a message is compressed, or too long")
            end = start + _PREFIX.size + length
            if end > len(buffer):
                break
            messages.append(bytes(buffer[start + _PREFIX.size : end]))
            start = end
        if start:
            del buffer[:start]
        return messages


def _request_headers(authority: str, path: str) -> bytes:
    block = Encoder().encode(
        [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", path),
            (":authority", authority),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
            ("user-agent", "antiphon"),
        ]
    )
    return encode_frame(FrameType.HEADERS, block, stream=_STREAM, flags=END_HEADERS)


def _check_headers(headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Raises GrpcStreamError."""
    named = {name: value.decode("latin-1") for name, value in headers}
    if named.get(b":status", "200") != "200":
        raise GrpcStreamError(f"the server answered with HTTP status {named[b':status']}")
    code, message = named.get(b"grpc-status", "0"), named.get(b"grpc-message", "")
    if code != "0":
        raise GrpcStreamError(f"the server answered with gRPC status {code} {message}".rstrip())
