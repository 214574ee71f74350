import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transceiver.sip.transport_driver import request, response
from transceiver.sip.stream_framing import MAX_MESSAGE_BYTES, Framed, StreamFraming

BODIES = st.binary(max_size=40)
KEEP_ALIVES = st.sampled_from([b"", b"\r\n", b"\r\n\r\n", b"\r\n\r\n\r\n"])


@given(st.lists(st.tuples(KEEP_ALIVES, BODIES), max_size=5), st.data())
def test_messages_come_out_however_the_stream_is_cut(
    parts: list[tuple[bytes, bytes]], data: st.DataObject
) -> None:
    messages = [request(body=body) for _, body in parts]
    stream = b"".join(alive + message for (alive, _), message in zip(parts, messages, strict=True))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    framing = StreamFraming()
    found: list[bytes] = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += framing.feed(stream[start:end]).messages
    assert found == messages


def fed(*parts: bytes) -> list[Framed]:
    framing = StreamFraming()
    return [framing.feed(part) for part in parts]


def whole(*messages: bytes, pings: int = 0) -> Framed:
    return Framed(messages, pings, intact=True)


def test_a_ping_is_told_and_an_empty_line_is_not() -> None:
    assert fed(b"\r\n\r\n", b"\r\n", response()) == [whole(pings=1), whole(), whole(response())]
    assert fed(b"\r\n\r", b"\n", b"\r\n\r\n\r\n\r\n" + response()) == [
        whole(),
        whole(pings=1),
        whole(response(), pings=2),
    ]


def test_the_length_may_be_folded_compact_or_said_twice_alike() -> None:
    for line in (b"l : 3", b"CONTENT-LENGTH:\r\n 3", b"Content-Length: 3\r\nl: 3"):
        message = b"BYE sip:a SIP/2.0\r\n" + line + b"\r\n\r\nabc"
        assert fed(message + b"\r\n") == [whole(message)]


@pytest.mark.parametrize(
    "stream",
    [
        b"BYE sip:a SIP/2.0\r\n\r\n",
        b"BYE sip:a SIP/2.0\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
        b"BYE sip:a SIP/2.0\r\nContent-Length: -1\r\n\r\n",
        b"BYE sip:a SIP/2.0\r\nContent-Length: 1e3\r\n\r\n",
        b"BYE sip:a SIP/2.0\r\nContent-Length: 65500\r\n\r\n",
        b"BYE sip:a SIP/2.0\r\nContent-Length: 9999999999999\r\n\r\n",
        b"x" * (MAX_MESSAGE_BYTES + 1),
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
)
def test_what_cannot_be_framed_ends_the_stream_behind_what_could(stream: bytes) -> None:
    assert fed(request() + stream) == [Framed((request(),), 0, intact=False)]
