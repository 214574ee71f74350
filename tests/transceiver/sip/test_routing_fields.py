import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transceiver.sip.transport_driver import request, response
from transceiver.sip.message import MessageError, parse_message
from transceiver.sip.routing_fields import RoutingFields

TOKENS = st.text("abcXYZ019-.!*_+`'~", min_size=1, max_size=20)


def test_a_request() -> None:
    message = request("BYE", uri="sip:rtc_x-Y@192.0.2.1:5060;transport=tcp", to_tag="at.1")
    assert RoutingFields.of(message) == RoutingFields(
        "BYE", 0, "rtc_x-Y", "a84b4c76e66710", "at.1", "z9hG4bKnashds8"
    )


def test_a_response() -> None:
    fields = RoutingFields.of(response(183, branch="z9hG4bKabc"))
    assert fields == RoutingFields("", 183, "", "ours", "theirs", "z9hG4bKabc")


def test_compact_and_folded_fields_in_whatever_case() -> None:
    message = (
        b"ACK sip:me@a SIP/2.0\r\n"
        b"v: SIP/2.0/UDP a\r\n  ; BRANCH = z9hG4bKone, SIP/2.0/UDP b;branch=z9hG4bKtwo\r\n"
        b"i : id@host\r\n"
        b'T: ";tag=wrong" <sip:a@b;tag=wrong>\r\n ;Tag = right\r\n\r\nTo: <x>;tag=body\r\n'
    )
    assert RoutingFields.of(message) == RoutingFields(
        "ACK", 0, "me", "id@host", "right", "z9hG4bKone"
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n",
        b"\0\0\0\0",
        b"GET / HTTP/1.1\r\n\r\n",
        b"SIP/2.0 20 OK\r\n\r\n",
        b"INVITE sip:a",
    ],
)
def test_what_is_no_sip(data: bytes) -> None:
    assert RoutingFields.of(data) is None


@given(TOKENS, TOKENS)
def test_what_the_owner_will_read_is_what_is_found(call_id: str, tag: str) -> None:
    message = request("BYE", uri="sip:bob@b", call_id=call_id, to_tag=tag)
    parsed, fields = parse_message(message), RoutingFields.of(message)
    assert fields is not None
    assert (fields.call_id, fields.to_tag) == (
        parsed.call_id,
        parsed.to_address.parameters.get("tag"),
    )


@given(st.binary(max_size=200), st.integers(0, 300))
def test_whatever_is_in_a_message_nothing_is_raised(noise: bytes, at: int) -> None:
    message = request()
    RoutingFields.of(message[:at] + noise + message[at:])
    RoutingFields.of(noise)


@given(st.binary(max_size=60))
def test_what_the_owner_can_read_is_not_dropped_before(noise: bytes) -> None:
    message = noise + request()
    try:
        parse_message(message)
    except MessageError:
        return
    assert RoutingFields.of(message.lstrip(b"\r\n")) is not None
