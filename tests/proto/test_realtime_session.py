"""The configuration: its defaults, and how an update changes it."""

import contextlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.realtime import RealtimeSessionCreateResponse

from antiphon_proto.realtime import RealtimeError, RealtimeSession, parse_session
from antiphon_proto.realtime.session import MAX_TOOLS, SemanticVad, ServerVad

AGENTS_SDK_SESSION = {
    "type": "realtime",
    "model": "gpt-realtime-2.1",
    "output_modalities": ["audio"],
    "instructions": "",
    "tools": [],
    "tool_choice": "auto",
    "tracing": "auto",
    "audio": {
        "input": {
            "format": {"type": "audio/pcm", "rate": 24000},
            "transcription": {"model": "gpt-4o-mini-transcribe"},
            "turn_detection": {"type": "semantic_vad", "interrupt_response": True},
        },
        "output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "ash", "speed": 1},
    },
}
"""What the official agents SDKs send when a call begins."""


def patched(*patches: dict[str, Any]) -> dict[str, Any]:
    session = RealtimeSession()
    for patch in patches:
        session = session.merged(json.dumps(patch))
    shown: dict[str, Any] = json.loads(msgspec.json.encode(session))
    return shown


def audio_input(**members: Any) -> dict[str, Any]:
    return {"audio": {"input": members}}


def test_the_defaults_are_what_the_sdk_can_read() -> None:
    shown = patched()
    RealtimeSessionCreateResponse.model_validate(shown, strict=True)
    assert shown["audio"]["input"]["turn_detection"] == {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 500,
        "idle_timeout_ms": None,
        "create_response": True,
        "interrupt_response": True,
    }
    assert shown["audio"]["input"]["transcription"] is None
    assert shown["audio"]["output"]["format"] == {"type": "audio/pcm", "rate": 24000}
    assert shown["instructions"]


def test_what_the_agents_sdk_sends() -> None:
    shown = patched(AGENTS_SDK_SESSION)
    RealtimeSessionCreateResponse.model_validate(shown, strict=True)
    assert shown["model"] == "gpt-realtime-2.1"
    assert shown["instructions"] == ""
    assert shown["tracing"] == "auto"
    assert shown["audio"]["output"]["voice"] == "ash"
    assert shown["audio"]["input"]["turn_detection"] == {
        "type": "semantic_vad",
        "eagerness": "auto",
        "create_response": True,
        "interrupt_response": True,
    }


def test_what_is_left_out_stays() -> None:
    session = RealtimeSession().merged(json.dumps(AGENTS_SDK_SESSION))
    assert session.merged('{"type": "realtime"}') == session
    assert session.merged("{}") == session
    assert session.merged('{ "audio" : { "output" : { } } }') == session


def test_values_that_clear() -> None:
    full = {"instructions": "x", "tools": [{"type": "function", "name": "f"}]}
    cleared = patched(full, {"instructions": "", "tools": []})
    assert cleared["instructions"] == ""
    assert cleared["tools"] == []


@pytest.mark.parametrize("name", ["turn_detection", "transcription", "noise_reduction"])
def test_null_switches_off(name: str) -> None:
    on = audio_input(transcription={"model": "m"}, noise_reduction={"type": "near_field"})
    shown = patched(on, audio_input(**{name: None}))["audio"]["input"]
    assert shown[name] is None
    others = {"turn_detection", "transcription", "noise_reduction"} - {name}
    assert all(shown[other] is not None for other in others)


def test_null_elsewhere_changes_nothing() -> None:
    patch = {
        "model": None,
        "instructions": None,
        "tools": None,
        "type": None,
        "audio": {"output": {"voice": None}, "input": {"format": None}},
    }
    assert patched(patch) == patched()
    assert patched({"audio": None}) == patched()


def test_members_of_turn_detection_merge_until_its_type_changes() -> None:
    quiet = audio_input(turn_detection={"type": "server_vad", "threshold": 0.8})
    slow = audio_input(turn_detection={"silence_duration_ms": 900})
    detection = RealtimeSession().merged(json.dumps(quiet)).merged(json.dumps(slow))
    assert detection.audio.input.turn_detection == ServerVad(threshold=0.8, silence_duration_ms=900)
    semantic = audio_input(turn_detection={"type": "semantic_vad", "eagerness": None})
    changed = detection.merged(json.dumps(semantic)).audio.input.turn_detection
    assert changed == SemanticVad()
    assert patched(semantic, quiet)["audio"]["input"]["turn_detection"]["threshold"] == 0.8


def test_turn_detection_that_was_off_needs_its_type() -> None:
    off = audio_input(turn_detection=None)
    with pytest.raises(RealtimeError) as refused:
        patched(off, audio_input(turn_detection={"threshold": 0.5}))
    assert refused.value.param == "session.audio.input.turn_detection.type"
    on = patched(off, audio_input(turn_detection={"type": "server_vad"}))
    assert on["audio"]["input"]["turn_detection"]["threshold"] == 0.5


def test_a_format_is_replaced_whole() -> None:
    shown = patched(audio_input(format={"type": "audio/pcmu"}))
    assert shown["audio"]["input"]["format"] == {"type": "audio/pcmu"}


def test_transcription_shows_what_was_asked_only() -> None:
    shown = patched(audio_input(transcription={"model": "whisper-1"}))
    assert shown["audio"]["input"]["transcription"] == {"model": "whisper-1"}


def test_a_voice_by_id_is_shown_as_a_name() -> None:
    shown = patched({"audio": {"output": {"voice": {"id": "voice_1"}}}})
    assert shown["audio"]["output"]["voice"] == "voice_1"


def test_the_schema_of_a_tool_stays_as_the_client_wrote_it() -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "x-own": [1.0, None]}
    shown = patched({"tools": [{"type": "function", "name": "weather", "parameters": schema}]})
    assert shown["tools"][0]["parameters"] == schema


def test_what_belongs_to_the_server_is_left_alone() -> None:
    session = msgspec.structs.replace(RealtimeSession(), id="sess_1", expires_at=5)
    assert session.merged('{"id": "sess_2", "object": 3, "expires_at": 9}') == session


def test_a_stored_session_reads_back() -> None:
    session = RealtimeSession().merged(json.dumps(AGENTS_SDK_SESSION))
    assert parse_session(msgspec.json.encode(session)) == session


@pytest.mark.parametrize(
    ("patch", "code", "param"),
    [
        ([], "invalid_value", "session"),
        ({"type": "transcription"}, "invalid_value", "session.type"),
        ({"model": 3}, "invalid_value", "session.model"),
        ({"voice": "ash"}, "unknown_parameter", "session.voice"),
        ({"modalities": ["text"]}, "unknown_parameter", "session.modalities"),
        ({"output_modalities": ["audio", "text"]}, "invalid_value", "session.output_modalities"),
        ({"output_modalities": []}, "invalid_value", "session.output_modalities"),
        ({"max_output_tokens": 0}, "invalid_value", "session.max_output_tokens"),
        ({"tool_choice": "perhaps"}, "invalid_value", "session.tool_choice"),
        ({"tools": [{"type": "web_search"}]}, "invalid_value", "session.tools[0].type"),
        ({"tools": [{"type": "function"}]}, "missing_required_parameter", "session.tools[0].name"),
        (
            {"tools": [{"type": "function", "name": "f"}] * (MAX_TOOLS + 1)},
            "invalid_value",
            "session.tools",
        ),
        ({"audio": 3}, "invalid_value", "session.audio"),
        ({"audio": {"output": {"speed": 9}}}, "invalid_value", "session.audio.output.speed"),
        (
            audio_input(format={"type": "audio/pcm", "rate": 8000}),
            "invalid_value",
            "session.audio.input.format.rate",
        ),
        (
            audio_input(turn_detection={"type": "server_vad", "threshold": 2}),
            "invalid_value",
            "session.audio.input.turn_detection.threshold",
        ),
        (
            audio_input(turn_detection={"type": "server_vad", "silence_duration_ms": 10**9}),
            "invalid_value",
            "session.audio.input.turn_detection.silence_duration_ms",
        ),
    ],
)
def test_what_is_refused(patch: Any, code: str, param: str) -> None:
    with pytest.raises(RealtimeError) as refused:
        RealtimeSession().merged(json.dumps(patch))
    assert (refused.value.code, refused.value.param) == (code, param)


def test_text_that_is_kept_raw_must_be_utf_8() -> None:
    with pytest.raises(RealtimeError) as refused:
        RealtimeSession().merged(b'{"tools": [{"type": "function", "parameters": "\xff"}]}')
    assert refused.value.code == "invalid_json"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["server_vad", "auto", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["audio", "input", "output", "turn_detection", "type", "voice", "format", "tools"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@given(json_values)
def test_any_patch_is_merged_or_refused(patch: Any) -> None:
    with contextlib.suppress(RealtimeError):
        merged = RealtimeSession().merged(json.dumps(patch))
        RealtimeSessionCreateResponse.model_validate_json(msgspec.json.encode(merged))
        assert parse_session(msgspec.json.encode(merged)) == merged
