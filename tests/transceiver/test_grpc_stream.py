"""The client's side of a gRPC call against frames that a test chooses.

That a real server understands it, `test_inference_client` shows.
"""

import struct

import pytest
from hpack import Decoder, Encoder
from hypothesis import given
from hypothesis import strategies as st

from transceiver.grpc_stream import MAX_MESSAGE_BYTES, GrpcStream, GrpcStreamError
from transceiver.http2_frames import (
    ACK,
    DEFAULT_WINDOW_BYTES,
    END_HEADERS,
    END_STREAM,
    PREFACE,
    FrameType,
    Setting,
    decode_u32,
    encode_frame,
    encode_settings,
    encode_window_update,
    take_frames,
)

Frame = tuple[int, int, int, bytes]


def prefixed(message: bytes) -> bytes:
    return struct.pack(">BI", 0, len(message)) + message


def data(content: bytes, flags: int = 0, stream: int = 1) -> bytes:
    return encode_frame(FrameType.DATA, content, stream=stream, flags=flags)


def headers(*pairs: tuple[str, str], flags: int = END_HEADERS) -> bytes:
    return encode_frame(FrameType.HEADERS, Encoder().encode(pairs), stream=1, flags=flags)


def written(stream: GrpcStream) -> list[Frame]:
    return list(take_frames(bytearray(stream.take())))


@pytest.fixture
def stream() -> GrpcStream:
    """Past the greeting of both."""
    stream = GrpcStream("replica:50051", "/package.Service/Method")
    stream.take()
    stream.receive(encode_settings({}))
    stream.take()
    return stream


def test_the_call_is_opened_as_grpc_asks() -> None:
    wire = GrpcStream("replica:50051", "/package.Service/Method").take()
    assert wire.startswith(PREFACE)
    settings, (kind, flags, number, block) = take_frames(bytearray(wire[len(PREFACE) :]))
    assert settings[0] == FrameType.SETTINGS
    assert (kind, flags, number) == (FrameType.HEADERS, END_HEADERS, 1)
    sent = dict(Decoder().decode(block))
    assert sent[":method"] == "POST"
    assert sent[":path"] == "/package.Service/Method"
    assert sent[":authority"] == "replica:50051"
    assert (sent["te"], sent["content-type"]) == ("trailers", "application/grpc")


def test_it_is_ready_once_the_server_has_introduced_itself() -> None:
    stream = GrpcStream("replica:50051", "/package.Service/Method")
    stream.take()
    assert not stream.ready
    stream.receive(encode_settings({Setting.MAX_FRAME_SIZE: 16_384}))
    assert stream.ready
    assert written(stream) == [(FrameType.SETTINGS, ACK, 0, b"")]


@given(messages=st.lists(st.binary(max_size=200)), cuts=st.lists(st.integers(1, 50), max_size=20))
def test_messages_arrive_however_they_are_cut(messages: list[bytes], cuts: list[int]) -> None:
    stream = GrpcStream("replica:50051", "/package.Service/Method")
    content = b"".join(map(prefixed, messages))
    wire = headers((":status", "200"))
    for cut in [*cuts, len(content)]:
        wire += data(content[:cut])
        content = content[cut:]
    arrived = []
    for at in range(0, len(wire), 7):
        arrived += stream.receive(wire[at : at + 7])
    assert arrived == messages


def test_a_message_leaves_with_its_length(stream: GrpcStream) -> None:
    stream.send(b"message")
    assert written(stream) == [(FrameType.DATA, 0, 1, prefixed(b"message"))]
    assert not stream.blocked


def test_no_more_leaves_than_the_server_has_room_for(stream: GrpcStream) -> None:
    message = bytes(range(256)) * 400
    stream.send(message)
    assert stream.blocked
    sent = b"".join(payload for *_, payload in written(stream))
    assert len(sent) == DEFAULT_WINDOW_BYTES
    stream.receive(encode_window_update(1 << 20, stream=1))
    assert written(stream) == []
    stream.receive(encode_window_update(1 << 20))
    sent += b"".join(payload for *_, payload in written(stream))
    assert sent == prefixed(message)
    assert not stream.blocked


def test_a_window_that_the_server_changes_counts_for_what_is_under_way(
    stream: GrpcStream,
) -> None:
    stream.receive(encode_window_update(1 << 20))
    stream.send(bytes(DEFAULT_WINDOW_BYTES))
    stream.take()
    assert stream.blocked
    stream.receive(encode_settings({Setting.INITIAL_WINDOW_SIZE: DEFAULT_WINDOW_BYTES + 100}))
    assert not stream.blocked


def test_what_was_read_is_told_to_the_server_before_its_windows_are_used_up(
    stream: GrpcStream,
) -> None:
    read, told = 0, {0: 0, 1: 0}
    for _ in range(40):
        stream.receive(data(prefixed(bytes(5000))))
        read += 5005
        for kind, _flags, number, payload in written(stream):
            assert kind == FrameType.WINDOW_UPDATE
            told[number] += decode_u32(payload)
        assert told[0] == told[1]
        assert read - told[0] < DEFAULT_WINDOW_BYTES - 16_384


def test_pings_are_answered_and_asked(stream: GrpcStream) -> None:
    stream.receive(encode_frame(FrameType.PING, b"12345678"))
    assert written(stream) == [(FrameType.PING, ACK, 0, b"12345678")]
    stream.ping()
    ((kind, flags, _number, payload),) = written(stream)
    assert (kind, flags, stream.pings_unanswered) == (FrameType.PING, 0, 1)
    stream.receive(encode_frame(FrameType.PING, payload, flags=ACK))
    assert stream.pings_unanswered == 0


def test_headers_may_go_on_in_other_frames(stream: GrpcStream) -> None:
    block = Encoder().encode([(":status", "200"), ("a", "b" * 50)])
    stream.receive(encode_frame(FrameType.HEADERS, block[:5], stream=1))
    stream.receive(encode_frame(FrameType.CONTINUATION, block[5:], stream=1, flags=END_HEADERS))
    assert stream.receive(data(prefixed(b"x"))) == [b"x"]


def test_what_does_not_matter_is_ignored(stream: GrpcStream) -> None:
    unknown = struct.pack(">HBBBI", 0, 3, 0x7F, 0, 0) + b"abc"
    graceful = encode_frame(FrameType.GOAWAY, struct.pack(">II", 1, 0))
    assert stream.receive(unknown + graceful + data(prefixed(b"x"))) == [b"x"]


@pytest.mark.parametrize(
    ("wire", "reason"),
    [
        (headers((":status", "502")), "HTTP status 502"),
        (headers((":status", "200"), ("grpc-status", "12")), "gRPC status 12"),
        (headers(("grpc-status", "0"), flags=END_HEADERS | END_STREAM), "ended the call"),
        (data(b"", flags=END_STREAM), "ended the call"),
        (encode_frame(FrameType.RST_STREAM, struct.pack(">I", 8), stream=1), "code 8"),
        (encode_frame(FrameType.GOAWAY, struct.pack(">II", 0, 11)), "code 11"),
        (data(struct.pack(">BI", 1, 5)), "compressed"),
        (data(struct.pack(">BI", 0, MAX_MESSAGE_BYTES + 1)), "too long"),
        (data(b"x", stream=3), "not HTTP/2"),
        (encode_frame(FrameType.PUSH_PROMISE, b""), "not HTTP/2"),
        (encode_frame(FrameType.SETTINGS, b"123"), "not HTTP/2"),
        (encode_window_update((1 << 31) - 1, stream=1), "not HTTP/2"),
        (encode_frame(FrameType.HEADERS, b"\xff" * 9, stream=1, flags=END_HEADERS), "not HTTP/2"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "not HTTP/2"),
    ],
)
def test_whatever_ends_the_call_is_one_error(stream: GrpcStream, wire: bytes, reason: str) -> None:
    with pytest.raises(GrpcStreamError, match=reason):
        stream.receive(wire)


@given(st.binary(max_size=400))
def test_garbage_raises_nothing_else(garbage: bytes) -> None:
    stream = GrpcStream("replica:50051", "/package.Service/Method")
    try:
        stream.receive(garbage)
    except GrpcStreamError:
        return
