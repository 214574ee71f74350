"""Every member that OpenAI's package for Python declares: heeded, shown as given, or refused."""

import json
from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pydantic
import pytest
from openai.types.realtime import (
    ConversationItem,
    RealtimeSessionCreateRequest,
    RealtimeTranscriptionSessionCreateRequest,
)
from openai.types.realtime.realtime_response_create_params import RealtimeResponseCreateParams

from antiphon_proto import trunk as engine
from antiphon_proto.realtime.session import DEFAULT_VOICE
from tests.transceiver.conversation_driver import Driver

Members = dict[str, Any]

USABLE = {
    "audio": "AAAA",
    "image_url": "data:image/png;base64,AAAA",
    "idle_timeout_ms": 5000,
    "name": "look",
    "retention_ratio": 0.5,
    "server_label": "shop",
    "server_url": "https://tools.example/mcp",
}
"""Where not any value of the type can be used."""

PLAIN: dict[Any, list[Any]] = {
    str: ["words"],
    bool: [True, False],
    int: [700],
    float: [0.75],
    dict: [{"k": "v"}],
}

SECRET = {"authorization", "headers"}
"""Members that are not shown."""


def values(annotation: Any, name: str) -> Iterator[Any]:
    """Of a member `name` of this type: one of each kind."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from values(arguments[0], name)
    elif origin is Literal:
        yield from arguments
    elif origin in (Union, UnionType):
        for each in arguments:
            if each is not type(None):
                yield from values(each, name)
    elif origin is list:
        yield from ([value] for value in values(arguments[0], name))
    elif isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel):
        yield from objects(annotation)
    elif annotation in (str, int, float) and name in USABLE:
        yield USABLE[name]
    else:
        yield from PLAIN.get(origin or annotation, [{"any": [1]}])


def objects(model: type[pydantic.BaseModel]) -> Iterator[Members]:
    """One for each value of each member, beside what must be there."""
    fields = model.model_fields.items()
    required = {
        name: next(values(field.annotation, name)) for name, field in fields if field.is_required()
    }
    yield required
    for name, field in fields:
        for value in values(field.annotation, name):
            whole = {**required, name: value}
            if "server_url" in model.model_fields and name not in ("connector_id", "tunnel_id"):
                whole["server_url"] = USABLE["server_url"]
            yield whole


def of_each(model: type[pydantic.BaseModel]) -> list[Members]:
    return list({json.dumps(each): each for each in objects(model)}.values())


def shows(given: Any, shown: Any) -> bool:
    """Whether all that was given is shown, and as it was given."""
    if isinstance(given, dict):
        return isinstance(shown, dict) and all(
            key in SECRET or (key in shown and shows(value, shown[key]))
            for key, value in given.items()
        )
    if isinstance(given, list):
        if not isinstance(shown, list) or len(shown) != len(given):
            return False
        return all(map(shows, given, shown))
    return bool(given == shown)


def refused(driver: Driver, path: str) -> bool:
    """Whether the event was, by the path of what is wrong with it."""
    errors = [event["error"] for event in driver.events if event["type"] == "error"]
    for error in errors:
        assert error["event_id"] == "mine"
        assert error["code"] in ("missing_required_parameter", "invalid_value") or error[
            "code"
        ].startswith("unsupported_")
        assert error["param"].startswith(path)
    return bool(errors)


SESSIONS = of_each(RealtimeSessionCreateRequest)
TRANSCRIPTIONS = of_each(RealtimeTranscriptionSessionCreateRequest)
RESPONSES = of_each(RealtimeResponseCreateParams)


def updated(given: Members) -> Driver:
    driver = Driver({"type": given["type"]})
    driver.client("session.update", event_id="mine", session=given)
    return driver


@pytest.mark.parametrize("given", SESSIONS, ids=json.dumps)
def test_a_session_shows_what_it_was_given(given: Members) -> None:
    driver = updated(given)
    if refused(driver, "session."):
        assert "tools" in given
        return
    # The model stays, and a voice is a plain name.
    wanted = {name: value for name, value in given.items() if name != "model"}
    shown = driver.last("session.updated")["session"]
    voice = given.get("audio", {}).get("output", {}).get("voice")
    if isinstance(voice, dict):
        assert shown["audio"]["output"]["voice"] == voice["id"]
    else:
        assert shows(wanted, shown)


@pytest.mark.parametrize("given", TRANSCRIPTIONS, ids=json.dumps)
def test_a_session_that_only_transcribes_shows_it_too(given: Members) -> None:
    driver = updated(given)
    assert not refused(driver, "session.")
    shown = driver.last("session.updated")["session"]
    detection = given.get("audio", {}).get("input", {}).get("turn_detection", {})
    # Nobody answers there, so that there is nothing to create, to interrupt or to wait behind.
    for name in ("create_response", "interrupt_response", "idle_timeout_ms"):
        if detection.pop(name, None) is not None:
            assert not shown["audio"]["input"]["turn_detection"][name]
    assert shows(given, shown)


PARTS = {
    "system": {"text": "input_text"},
    "user": {
        "text": "input_text",
        "audio": "input_audio",
        "transcript": "input_audio",
        "image_url": "input_image",
        "detail": "input_image",
    },
    "assistant": {"text": "output_text", "audio": "output_audio", "transcript": "output_audio"},
}
"""The types of parts by their members: the package leaves them open."""


def items() -> Iterator[Members]:
    for model in get_args(get_args(ConversationItem)[0]):
        for item in of_each(model):
            for part in item.get("content", []):
                if "type" not in part:
                    kinds = PARTS[item["role"]]
                    part["type"] = next(map(kinds.__getitem__, part), kinds["text"])
            yield item


@pytest.mark.parametrize("given", list(items()), ids=json.dumps)
def test_an_item_shows_what_it_was_given(given: Members) -> None:
    driver = Driver()
    driver.client("conversation.item.create", event_id="mine", item=given)
    if refused(driver, "item."):
        return
    # What clients create is whole, and neither images nor the assistant's sound come back.
    wanted = {name: value for name, value in given.items() if name != "status"}
    for part in wanted.get("content", []):
        part.pop("image_url", None)
        assert not (given["role"] == "assistant" and "audio" in part)
    assert shows(wanted, driver.last("conversation.item.done")["item"])


AS_THE_SESSION: dict[str, list[Any]] = {
    "audio": [{}, {"output": {}}, {"output": {"voice": DEFAULT_VOICE}}],
    "conversation": ["auto"],
    "max_output_tokens": ["inf"],
    "output_modalities": [["audio"]],
    "parallel_tool_calls": [True],
    "tool_choice": ["auto"],
}
PASSED_OVER = ("prompt", "reasoning")


@pytest.mark.parametrize("given", RESPONSES, ids=json.dumps)
def test_a_response_heeds_what_it_was_given(given: Members) -> None:
    driver = Driver()
    driver.client("response.create", event_id="mine", response=given)
    if refused(driver, "response."):
        assert not driver.sent(engine.Respond)
        return
    if driver.mcp_requests:
        return  # It waits for the tools of the server that it names.
    (asked,) = driver.sent(engine.Respond)
    told = driver.last("response.created")["response"]
    heeded = asked.config is not None or asked.context is not None or asked.out_of_band
    for name, value in given.items():
        if name == "audio" and "format" in value.get("output", {}):
            assert shows(value["output"]["format"], told["audio"]["output"]["format"])
        elif name == "metadata":
            assert told["metadata"] == value
        else:
            plain = name in PASSED_OVER or value in AS_THE_SESSION.get(name, [])
            assert heeded != plain
