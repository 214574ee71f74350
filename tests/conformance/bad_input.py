"""What clients should not send: strategies that make it."""

import copy
import json
from typing import Any

from hypothesis import strategies as st

_TOOL = {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}}
_INPUT = {
    "format": {"type": "audio/pcm", "rate": 24000},
    "transcription": {"model": "whisper-1", "language": "en"},
    "noise_reduction": {"type": "near_field"},
    "turn_detection": {"type": "server_vad", "threshold": 0.5, "idle_timeout_ms": 6000},
}
_OUTPUT = {"format": {"type": "audio/pcmu"}, "voice": "ash", "speed": 1.0}
_SESSION = {
    "type": "realtime",
    "model": "gpt-realtime",
    "instructions": "Be brief.",
    "output_modalities": ["text"],
    "audio": {"input": _INPUT, "output": _OUTPUT},
    "tools": [_TOOL],
    "tool_choice": {"type": "function", "name": "f"},
    "parallel_tool_calls": True,
    "max_output_tokens": 100,
    "truncation": {"type": "retention_ratio", "retention_ratio": 0.8},
    "tracing": {"workflow_name": "w", "group_id": "g", "metadata": {"a": 1}},
    "prompt": {"id": "pmpt_1", "version": "2", "variables": {"who": "you"}},
    "reasoning": {"effort": "low"},
    "include": ["item.input_audio_transcription.logprobs"],
}
_WRITTEN = {
    "type": "message",
    "role": "user",
    "content": [{"type": "input_text", "text": "Hi"}],
}
_RESPONSE = {
    "instructions": "Be curt.",
    "conversation": "auto",
    "output_modalities": ["audio"],
    "audio": {"output": {"voice": "ash"}},
    "tools": [_TOOL],
    "tool_choice": "required",
    "max_output_tokens": "inf",
    "metadata": {"topic": "x"},
    "input": [_WRITTEN],
}
_MESSAGE = {
    "id": "item_1",
    "type": "message",
    "role": "user",
    "status": "completed",
    "content": [{"type": "input_text", "text": "Hi"}, {"type": "input_audio", "transcript": "Ho"}],
}
_IMAGE = {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "auto"}
_PICTURE = {"type": "message", "role": "user", "content": [_IMAGE]}
_CALL = {"type": "function_call", "name": "f", "call_id": "call_1", "arguments": "{}"}
_CALL_OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": "x"}
_TRUNCATION = {"item_id": "item_1", "content_index": 0, "audio_end_ms": 10}

VALID: list[dict[str, Any]] = [
    {"type": "session.update", "session": _SESSION},
    {"type": "input_audio_buffer.append", "audio": "AAAA"},
    {"type": "input_audio_buffer.commit"},
    {"type": "input_audio_buffer.clear"},
    {"type": "output_audio_buffer.clear"},
    {"type": "conversation.item.create", "item": _MESSAGE, "previous_item_id": "root"},
    {"type": "conversation.item.create", "item": _PICTURE},
    {"type": "conversation.item.create", "item": _CALL},
    {"type": "conversation.item.create", "item": _CALL_OUTPUT},
    {"type": "conversation.item.retrieve", "item_id": "item_1"},
    {"type": "conversation.item.delete", "item_id": "item_1"},
    {"type": "conversation.item.truncate", **_TRUNCATION},
    {"type": "response.create", "response": _RESPONSE},
    {"type": "response.cancel", "response_id": "resp_1"},
]
"""An event of every type, with every member that it may have."""

MINE = "mine"

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=30)
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


def paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Of every member at any depth."""
    members = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for name, member in members:
        found.append((*path, name))
        if isinstance(member, dict | list):
            found += paths(member, (*path, name))
    return found


@st.composite
def events_with_one_fault(draw: st.DrawFn) -> dict[str, Any]:
    """An event of which one member is missing, another value, or one too many."""
    event = {**copy.deepcopy(draw(st.sampled_from(VALID))), "event_id": MINE}
    *path, last = draw(st.sampled_from(paths(event)))
    parent = event
    for name in path:
        parent = parent[name]
    match draw(st.sampled_from(["replace", "replace", "replace", "remove", "add"])):
        case "replace":
            parent[last] = draw(values)
        case "remove":
            del parent[last]
        case "add" if isinstance(parent, dict):
            parent[draw(st.text(min_size=1, max_size=12))] = draw(values)
    return event


def is_no_event(text: str) -> bool:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return True
    types = [event["type"] for event in VALID]
    return not isinstance(value, dict) or value.get("type") not in types


no_events: st.SearchStrategy[str | bytes] = st.one_of(
    st.text(max_size=60).filter(is_no_event),
    values.map(json.dumps).filter(is_no_event),
    st.dictionaries(st.sampled_from(["type", "event_id", "session"]), values)
    .map(json.dumps)
    .filter(is_no_event),
    st.binary(max_size=60).filter(lambda data: is_no_event(data.decode(errors="replace"))),
    st.sampled_from([json.dumps(event) for event in VALID]).flatmap(
        lambda text: st.integers(0, len(text) - 1).map(lambda size: text[:size])
    ),
)
"""Text and bytes that are no JSON, JSON that is no object, objects of no known type."""

not_base64 = st.text(min_size=1, max_size=40).filter(
    lambda text: not all(c.isascii() and (c.isalnum() or c in "+/=") for c in text)
)


def nested(depth: int, inner: str = "") -> str:
    """JSON of lists and objects in turn."""
    return '[{"a":' * depth + (inner or "0") + "}]" * depth
