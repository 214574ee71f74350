"""Holds server events to the models of the official SDK, and to what its clients choke on."""

import typing
from collections.abc import Iterator
from typing import Any

import pydantic
from openai.types.realtime import RealtimeServerEvent

EXTENSIONS = {"item.error", "session.id", "session.object", "session.expires_at", "session.resume"}
"""Members that the API's server really sends, or ours does, and that the SDK's models pass over."""

CONTENT = ("input_text", "input_audio", "input_image", "output_text", "output_audio")

FORMATS = (
    {"type": "audio/pcm", "rate": 24000},
    {"type": "audio/pcmu"},
    {"type": "audio/pcma"},
)


def _models() -> Iterator[tuple[str, type[pydantic.BaseModel]]]:
    union = typing.get_args(RealtimeServerEvent)[0]
    for model in typing.get_args(union):
        (name,) = typing.get_args(model.model_fields["type"].annotation)
        yield name, model


MODELS = dict(_models())


def check(event: dict[str, Any]) -> None:
    """Raises AssertionError or pydantic's ValidationError for what a client would not take."""
    model = MODELS[event["type"]].model_validate(event, strict=True)
    assert set(_unknown(model, "")) <= EXTENSIONS
    assert event["event_id"]
    for name in ("item", "part"):
        if name in event:
            (_check_item if name == "item" else _check_part)(event[name])
    for item in event.get("response", {}).get("output", []):
        _check_item(item)
    if event["type"].startswith("session."):
        _check_session(event["session"])
    if "response" in event:
        assert isinstance(event["response"]["audio"]["output"]["voice"], str)
    if event["type"].endswith(("item.added", "item.done")) and event["type"][0] == "c":
        assert "previous_item_id" in event


def _unknown(value: Any, path: str) -> Iterator[str]:
    """Paths of members that the SDK's models do not know."""
    if isinstance(value, list):
        for element in value:
            yield from _unknown(element, path)
    if isinstance(value, pydantic.BaseModel):
        yield from (f"{path}{name}" for name in value.model_extra or {})
        for name in value.model_fields_set:
            yield from _unknown(getattr(value, name, None), f"{path}{name}.")


def _check_item(item: dict[str, Any]) -> None:
    if item["type"] == "mcp_call":
        # The agents SDK for JavaScript wants it, be it null, and throws in a listener.
        assert "output" in item
    else:
        assert None not in item.values(), "optional members of items are left out, not null"
    for part in item.get("content", []):
        assert part["type"] in CONTENT
        assert part["type"] != "input_audio" or "transcript" in part
        assert part["type"] != "output_text" or "text" in part


def _check_part(part: dict[str, Any]) -> None:
    assert part["type"] in ("audio", "text")


def _check_session(session: dict[str, Any]) -> None:
    assert session["audio"]["input"]["format"] in FORMATS
    assert session["type"] == "transcription" or session["audio"]["output"]["format"] in FORMATS
    detection = session["audio"]["input"]["turn_detection"]
    if detection is not None:
        assert isinstance(detection["interrupt_response"], bool)
        assert isinstance(detection["create_response"], bool)
