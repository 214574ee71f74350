"""Bytes that are no SIP message, or one that breaks the rules."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sipmessage import Request, Response

from tests.transceiver.sip.agents import Network, RawPeer
from transceiver.sip import message
from transceiver.sip.message import MessageError, encode, number_of, parse_message, tag_of

OPTIONS = RawPeer(Network()).request("OPTIONS", body="body")


def test_a_request_is_parsed() -> None:
    request = parse_message(b"\r\n\r\n" + OPTIONS + b"what follows in the datagram")
    assert isinstance(request, Request)
    assert (request.method, str(request.uri)) == ("OPTIONS", "sip:agent@192.0.2.1")
    assert request.body == b"body"
    assert tag_of(request.headers["From"]) == "peer"
    assert tag_of(request.headers["To"]) == ""


def test_a_body_without_a_length_is_all_that_follows() -> None:
    request = parse_message(OPTIONS.replace(b"Content-Length: 4\r\n", b""))
    assert request.body == b"body"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"CSeq: 1 OPTIONS", b"CSeq: 2147483648 OPTIONS"),
        (b"CSeq: 1 OPTIONS", b"CSeq: 1 INVITE"),
        (b"CSeq: 1 OPTIONS", b"CSeq: OPTIONS"),
        (b"CSeq: 1 OPTIONS", b"CSeq: 1 OPTIONS\r\nCSeq: 2 OPTIONS"),
        (b"Max-Forwards: 70", b"Max-Forwards: 256"),
        (b"Max-Forwards: 70", b"Max-Forwards: -1"),
        (b"Content-Length: 4", b"Content-Length: 5"),
        (b"Content-Length: 4", b"Content-Length: 4\r\nl: 4"),
        (b"To: <sip:agent@192.0.2.1>", b"To: <sip:agent@192.0.2.1"),
        (b"To: <sip:agent@192.0.2.1>", b"To: <sip:" + b"a" * 1100 + b"@192.0.2.1>"),
        (b"sip:agent@192.0.2.1 SIP/2.0", b"sip:agent@ SIP/2.0"),
        (b" SIP/2.0\r\n", b" extra SIP/2.0\r\n"),
    ],
)
def test_a_broken_rule_is_answered_where_it_can_be(old: bytes, new: bytes) -> None:
    assert old in OPTIONS
    with pytest.raises(MessageError) as caught:
        parse_message(OPTIONS.replace(old, new, 1))
    assert caught.value.status == 400
    assert caught.value.request is not None
    assert caught.value.request.method == "OPTIONS"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n\r\n",
        b"hello\r\n\r\n",
        OPTIONS.partition(b"\r\n\r\n")[0],
        OPTIONS.replace(b"Call-ID: call-of-peer\r\n", b""),
        OPTIONS.replace(b"Call-ID: call-of-peer", b"Call-ID:"),
        OPTIONS.replace(b"Via: SIP/2.0/UDP", b"Via: SIP/1.0/UDP"),
        OPTIONS.replace(b"peer@", b"\xff@", 1),
        OPTIONS.replace(b"Max-Forwards: 70", b"X: a\nInjected: b"),
        OPTIONS.replace(b"Max-Forwards: 70", b"X: a\rInjected: b"),
        OPTIONS.replace(b"Max-Forwards: 70", b"no field"),
        OPTIONS.replace(b"Max-Forwards: 70", b"X: " + b"x" * message.MAX_FIELD_CHARS),
        OPTIONS.replace(b"Max-Forwards: 70", b"\r\n".join([b"X: y"] * message.MAX_FIELDS)),
        OPTIONS.replace(b"Max-Forwards: 70", b"X: " + b"\r\nX: ".join([b"x" * 3000] * 6)),
        OPTIONS + bytes(message.MAX_MESSAGE_BYTES),
        OPTIONS.replace(b"Via: ", b"Via: " + b"SIP/2.0/UDP h, " * message.MAX_VIAS),
    ],
)
def test_what_nobody_can_be_answered(data: bytes) -> None:
    with pytest.raises(MessageError) as caught:
        parse_message(data)
    assert caught.value.request is None


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [
        (b"sip:agent@192.0.2.1", b"mailto:agent@example.com", 416),
        (b"sip:agent@192.0.2.1", b"<sip:agent@192.0.2.1>", 400),
        (b"SIP/2.0\r\n", b"SIP/3.0\r\n", 505),
    ],
)
def test_a_start_line_of_something_else(old: bytes, new: bytes, status: int) -> None:
    with pytest.raises(MessageError) as caught:
        parse_message(OPTIONS.replace(old, new, 1))
    assert caught.value.status == status


@pytest.mark.parametrize(
    "line", ["SIP/2.0 700 No", "SIP/2.0 099 No", "SIP/2.0 2000 No", "SIP/2.0 200"]
)
def test_a_response_of_no_status(line: str) -> None:
    fields = OPTIONS.partition(b"\r\n")[2]
    with pytest.raises(MessageError):
        parse_message(line.encode() + b"\r\n" + fields)
    assert isinstance(parse_message(b"SIP/2.0 200 \r\n" + fields), Response)


def test_nothing_of_ours_holds_another_line() -> None:
    for line, value in (("OPTIONS sip:a SIP/2.0", "a\r\nInjected: b"), ("X\nY", "a")):
        with pytest.raises(ValueError, match="one line"):
            encode(line, [("X", value)], b"")


@pytest.mark.parametrize(
    ("text", "number"),
    [("12", 12), ("12;refresher=uac", 12), ("", None), (None, None), ("x", None)],
)
def test_a_number(text: str | None, number: int | None) -> None:
    assert number_of(text) == number


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_none(data: bytes) -> None:
    for each in (data, OPTIONS[:40] + data, OPTIONS.replace(b"Max-Forwards: 70", data)):
        with contextlib.suppress(MessageError):
            assert isinstance(parse_message(each), Request | Response)
