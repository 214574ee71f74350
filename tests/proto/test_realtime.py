"""Events: official clients' shapes in, official clients' shapes out, one error for the rest."""

import contextlib
import json
import typing
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.realtime import RealtimeClientEvent

from antiphon_proto.realtime import RealtimeError, encode_server_event, parse_client_event
from antiphon_proto.realtime import client_events as asked
from antiphon_proto.realtime import server_events as api
from antiphon_proto.realtime.client_events import MAX_EVENT_BYTES
from antiphon_proto.realtime.items import FunctionCall, InputAudio, InputText, Message, OutputAudio
from tests.transceiver import official_shapes

USER_MESSAGE = {
    "type": "message",
    "role": "user",
    "content": [{"type": "input_text", "text": "Hello"}],
}
CLIENT_EVENTS: list[dict[str, Any]] = [
    {"type": "session.update", "session": {"type": "realtime", "instructions": "Be brief."}},
    {"type": "input_audio_buffer.append", "audio": "AAAA"},
    {"type": "input_audio_buffer.commit"},
    {"type": "input_audio_buffer.clear"},
    {"type": "output_audio_buffer.clear"},
    {"type": "conversation.item.create", "item": USER_MESSAGE, "previous_item_id": "root"},
    {"type": "conversation.item.retrieve", "item_id": "item_1"},
    {"type": "conversation.item.delete", "item_id": "item_1"},
    {
        "type": "conversation.item.truncate",
        "item_id": "item_1",
        "content_index": 0,
        "audio_end_ms": 1500,
    },
    {"type": "response.create", "response": {"metadata": {"client_event_id": "x"}}},
    {"type": "response.cancel", "response_id": "resp_1"},
]


@pytest.mark.parametrize("event", CLIENT_EVENTS, ids=lambda event: event["type"])
def test_every_client_event_parses_with_and_without_an_id(event: dict[str, Any]) -> None:
    parsed = parse_client_event(json.dumps(event))
    assert json.loads(msgspec.json.encode(parsed))["type"] == event["type"]
    assert parsed.event_id is None
    named = parse_client_event(json.dumps({**event, "event_id": "event_7"}).encode())
    assert named.event_id == "event_7"


def test_every_client_event_of_the_sdk_is_known() -> None:
    (union, _discriminator) = typing.get_args(RealtimeClientEvent)
    official = {
        name
        for model in typing.get_args(union)
        for name in typing.get_args(model.model_fields["type"].annotation)
    }
    known = {member.__struct_config__.tag for member in typing.get_args(asked.ClientEvent)}
    assert known == official == {event["type"] for event in CLIENT_EVENTS}


def test_members_that_nobody_knows_yet_are_passed_over() -> None:
    event = parse_client_event('{"type": "response.cancel", "later": {"a": [1]}}')
    assert event == asked.ResponseCancel()


@pytest.mark.parametrize(
    ("text", "code", "param"),
    [
        ("", "invalid_json", None),
        ("{", "invalid_json", None),
        ("\udcff", "invalid_json", None),
        (b"\xff\xfe", "invalid_json", None),
        ("[]", "invalid_value", None),
        ('{"type": "session.update", "session": ' + "[" * 100_000, "invalid_json", None),
        ("{}", "missing_required_parameter", "type"),
        ('{"type": "no.such.event"}', "invalid_value", "type"),
        ('{"type": 7}', "invalid_value", "type"),
        ('{"type": "conversation.item.delete"}', "missing_required_parameter", "item_id"),
        ('{"type": "conversation.item.delete", "item_id": 7}', "invalid_value", "item_id"),
        (
            '{"type": "conversation.item.create", "item": '
            '{"type": "message", "role": "user", "content": [{"type": "input_video"}]}}',
            "invalid_value",
            "item.content[0].type",
        ),
        (
            '{"type": "conversation.item.create", "item": {"type": "web_search_call"}}',
            "invalid_value",
            "item.type",
        ),
        (
            '{"type": "conversation.item.truncate", "item_id": "a", "content_index": 0, '
            '"audio_end_ms": -1}',
            "invalid_value",
            "audio_end_ms",
        ),
        (
            '{"type": "response.create", "response": {"max_output_tokens": 0}}',
            "invalid_value",
            "response.max_output_tokens",
        ),
        ("x" * (MAX_EVENT_BYTES + 1), "event_too_large", None),
        ("é" * (MAX_EVENT_BYTES // 2 + 1), "event_too_large", None),
    ],
)
def test_what_is_refused(text: str | bytes, code: str, param: str | None) -> None:
    with pytest.raises(RealtimeError) as refused:
        parse_client_event(text)
    assert (refused.value.code, refused.value.param) == (code, param)


def test_a_refusal_names_the_client_s_event() -> None:
    with pytest.raises(RealtimeError) as refused:
        parse_client_event('{"event_id": "mine", "type": "response.cancel", "response_id": 1}')
    assert refused.value.event_id == "mine"


@pytest.mark.parametrize("event_id", ["7", '"' + "x" * 513 + '"'])
def test_a_refusal_does_not_repeat_an_id_that_is_none(event_id: str) -> None:
    with pytest.raises(RealtimeError) as refused:
        parse_client_event(f'{{"event_id": {event_id}, "type": "response.cancel"}}')
    assert refused.value.event_id is None
    assert refused.value.param == "event_id"


@given(st.text() | st.binary())
def test_arbitrary_text_is_parsed_or_refused(text: str | bytes) -> None:
    with pytest.raises(RealtimeError):
        parse_client_event(text)


@given(st.sampled_from(CLIENT_EVENTS), st.data())
def test_no_truncated_event_parses(event: dict[str, Any], data: st.DataObject) -> None:
    text = json.dumps(event)
    end = data.draw(st.integers(0, len(text) - 1))
    with pytest.raises(RealtimeError):
        parse_client_event(text[:end])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(st.sampled_from(CLIENT_EVENTS), st.data())
def test_members_of_any_type_are_parsed_or_refused(
    event: dict[str, Any], data: st.DataObject
) -> None:
    member = data.draw(st.sampled_from(sorted(event)))
    changed = {**event, member: data.draw(json_values)}
    with contextlib.suppress(RealtimeError):
        parse_client_event(json.dumps(changed))


def test_members_of_items_that_do_not_apply_are_left_out() -> None:
    item = Message(role="user", content=[InputText(text="Hi")])
    assert json.loads(msgspec.json.encode(item)) == {
        "type": "message",
        "object": "realtime.item",
        "role": "user",
        "content": [{"type": "input_text", "text": "Hi"}],
    }
    call = json.loads(msgspec.json.encode(FunctionCall(name="f", arguments="{}", call_id="c")))
    assert "status" not in call
    assert call["call_id"] == "c"


def test_a_transcript_that_is_not_there_yet_is_null() -> None:
    assert json.loads(msgspec.json.encode(InputAudio())) == {
        "type": "input_audio",
        "transcript": None,
    }
    assert json.loads(msgspec.json.encode(OutputAudio()))["transcript"] == ""


def test_a_server_event_as_text() -> None:
    event = api.InputAudioBufferSpeechStarted(event_id="event_1", item_id="a", audio_start_ms=40)
    assert json.loads(encode_server_event(event)) == {
        "type": "input_audio_buffer.speech_started",
        "event_id": "event_1",
        "item_id": "a",
        "audio_start_ms": 40,
    }


def test_every_server_event_is_one_of_the_sdk_s() -> None:
    tags = {member.__struct_config__.tag for member in typing.get_args(api.ServerEvent)}
    assert tags <= set(official_shapes.MODELS)
