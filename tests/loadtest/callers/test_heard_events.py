import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_proto.realtime.response_events import ResponseOutputAudioDelta
from antiphon_proto.realtime.server_events import Error
from loadtest.callers.heard_events import Heard, ServerEventError, parse_heard

DELTA = {
    "type": "response.output_audio.delta",
    "event_id": "event_1",
    "response_id": "resp_1",
    "item_id": "item_1",
    "output_index": 0,
    "content_index": 0,
    "delta": "AAAA",
    "a member that nobody knows yet": True,
}


def test_an_event_of_use_is_read_whole() -> None:
    heard = parse_heard(json.dumps(DELTA).encode())
    assert isinstance(heard.event, ResponseOutputAudioDelta)
    assert (heard.type, heard.event.item_id, heard.event.delta) == (DELTA["type"], "item_1", "AAAA")


def test_of_others_the_type_is_enough() -> None:
    text = '{"type": "session.created", "session": {"of": "another server"}}'
    assert parse_heard(text) == Heard("session.created", None)


def test_an_error_is_one() -> None:
    error = {"type": "invalid_request_error", "code": "invalid_value", "message": "no"}
    assert isinstance(parse_heard(json.dumps({"type": "error", "error": error})).event, Error)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"type": 1}',
        b'{"type": "response.done"}',
        b'{"type": "response.output_audio.delta", "delta": 1}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_event_is_told(text: bytes) -> None:
    with pytest.raises(ServerEventError):
        parse_heard(text)


@given(st.binary())
def test_nothing_else_is_raised(text: bytes) -> None:
    try:
        parse_heard(text)
    except ServerEventError:
        return
