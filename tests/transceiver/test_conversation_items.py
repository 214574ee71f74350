"""What clients do with items, and the bounds of it all."""

import json
from typing import Any

import pytest

from antiphon_proto import trunk as engine
from antiphon_proto.realtime.client_events import MAX_EVENT_BYTES
from tests.transceiver.conversation_driver import Driver
from transceiver.client_item import MAX_ITEM_BYTES
from transceiver.outbox import MAX_HELD
from transceiver.response_calls import MAX_CALLS
from transceiver.response_output import MAX_TEXT


def message(role: str, *content: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": list(content), **members}


def text(words: str) -> dict[str, Any]:
    return {"type": "input_text", "text": words}


def create(driver: Driver, item: dict[str, Any], **members: Any) -> None:
    driver.client("conversation.item.create", item=item, **members)


def spoken_answer(driver: Driver, milliseconds: int = 1000) -> str:
    """An answer that was generated and heard; returns its item's id."""
    driver.user_turn()
    response = driver.sent(engine.Respond)[-1].response
    driver.engine(engine.TextDelta(response, "one two three four"))
    driver.speech(response, milliseconds)
    driver.play(milliseconds + 40)
    driver.engine(engine.Done(response, engine.DoneStatus.COMPLETED))
    driver.play(40)
    return driver.sent(engine.Respond)[-1].item_id


def test_an_item_keeps_its_id_and_place() -> None:
    driver = Driver()
    create(driver, message("user", text("B"), id="b"))
    create(driver, message("system", text("A"), id="a"), previous_item_id="root")
    create(driver, message("user", text("C"), id="c"), previous_item_id="b")
    create(driver, message("user", text("B2"), id="b2"), previous_item_id="b")
    assert driver.rules.items == ["a", "b", "b2", "c"]
    assert [command.previous_item_id for command in driver.sent(engine.ItemCreate)] == [
        "",
        "root",
        "b",
        "b",
    ]
    assert driver.item("b2")["status"] == "completed"


@pytest.mark.parametrize(
    ("item", "role", "content"),
    [
        (message("user", text("a"), text("b")), engine.Role.USER, "a\nb"),
        (
            message("user", {"type": "input_audio", "transcript": "said"}),
            engine.Role.USER,
            "said",
        ),
        (message("system", text("rules")), engine.Role.SYSTEM, "rules"),
        (
            message("assistant", {"type": "output_text", "text": "wrote"}),
            engine.Role.ASSISTANT,
            "wrote",
        ),
        (
            message("assistant", {"type": "output_audio", "transcript": "spoke"}),
            engine.Role.ASSISTANT,
            "spoke",
        ),
        (
            {"type": "function_call", "name": "f", "arguments": "{}", "call_id": "call_x"},
            engine.Role.ASSISTANT,
            engine.FunctionCall("call_x", "f", "{}"),
        ),
        (
            {"type": "function_call_output", "output": "1", "call_id": "call_x"},
            engine.Role.USER,
            engine.FunctionCallOutput("call_x", "1"),
        ),
    ],
)
def test_items_as_the_engine_is_told(item: dict[str, Any], role: engine.Role, content: Any) -> None:
    driver = Driver()
    create(driver, item)
    (command,) = driver.sent(engine.ItemCreate)
    assert (command.item.role, command.item.content) == (role, content)
    assert driver.rules.items == [command.item.id]


@pytest.mark.parametrize(
    ("item", "code", "param"),
    [
        (message("user", text("x"), id="taken"), "item_create_duplicate_item_id", "item.id"),
        (message("user", text("x"), id="root"), "invalid_value", "item.id"),
        (message("user", text("x"), id="x" * 65), "invalid_value", "item.id"),
        (message("assistant", text("x")), "invalid_value", "item.content[0].type"),
        (
            message("user", text("x"), {"type": "output_text", "text": "x"}),
            "invalid_value",
            "item.content[1].type",
        ),
        (
            message("user", {"type": "input_audio", "audio": "AAAA"}),
            "unsupported_content",
            "item.content[0].transcript",
        ),
        (message("user", text("x" * MAX_ITEM_BYTES)), "item_too_large", "item"),
    ],
)
def test_items_that_are_refused(item: dict[str, Any], code: str, param: str) -> None:
    driver = Driver()
    create(driver, message("user", text("first"), id="taken"))
    create(driver, item, event_id="mine")
    assert (driver.error()["code"], driver.error()["param"]) == (code, param)
    assert driver.error()["event_id"] == "mine"
    assert driver.rules.items == ["taken"]


def test_an_empty_event_id_is_an_event_id() -> None:
    driver = Driver()
    driver.client("conversation.item.retrieve", event_id="", item_id="item_1")
    assert driver.error()["event_id"] == ""


def test_items_that_are_not_there() -> None:
    driver = Driver()
    create(driver, message("user", text("x")), previous_item_id="item_x")
    assert driver.error()["code"] == "item_create_invalid_item_id"
    driver.client("conversation.item.retrieve", item_id="item_x")
    assert driver.error()["code"] == "item_retrieve_invalid_item_id"
    driver.client("conversation.item.delete", item_id="item_x")
    assert driver.error()["code"] == "item_delete_invalid_item_id"
    driver.client("conversation.item.truncate", item_id="item_x", content_index=0, audio_end_ms=0)
    assert driver.error()["code"] == "item_truncate_invalid_item_id"


def test_deleting_an_item() -> None:
    driver = Driver()
    create(driver, message("user", text("x"), id="a"))
    driver.client("conversation.item.delete", item_id="a")
    assert driver.last("conversation.item.deleted")["item_id"] == "a"
    assert driver.sent(engine.ItemDelete) == [engine.ItemDelete("a")]
    driver.client("conversation.item.retrieve", item_id="a")
    assert driver.error()["code"] == "item_retrieve_invalid_item_id"


def test_deleting_the_answer_while_it_is_spoken() -> None:
    driver = Driver()
    driver.user_turn()
    driver.engine(engine.TextDelta(1, "Hello"))
    driver.speech(1, 100)
    driver.play(40)
    driver.client("conversation.item.delete", item_id=driver.sent(engine.Respond)[0].item_id)
    driver.speech(1, 100)
    mark = driver.mark()
    driver.engine(engine.SpeechStarted(4000))
    assert "conversation.item.truncated" not in driver.types(mark)
    driver.rules.settle()


# ---- truncating ----


@pytest.mark.parametrize("audio_end_ms", [0, 400, 1000, 1001])
def test_truncating_up_to_a_millisecond_more_than_there_is(audio_end_ms: int) -> None:
    driver = Driver()
    item_id = spoken_answer(driver, 1000)
    driver.client(
        "conversation.item.truncate",
        item_id=item_id,
        content_index=0,
        audio_end_ms=audio_end_ms,
    )
    truncated = driver.events[-1]
    assert truncated["type"] == "conversation.item.truncated"
    assert (truncated["audio_end_ms"], truncated["content_index"]) == (audio_end_ms, 0)
    assert driver.sent(engine.ItemTruncate) == [engine.ItemTruncate(item_id, audio_end_ms)]


def test_truncating_keeps_what_was_heard() -> None:
    driver = Driver()
    item_id = spoken_answer(driver, 2000)
    driver.client("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=1000)
    assert driver.item(item_id)["content"] == [{"type": "output_audio", "transcript": "one two"}]


def test_truncating_while_the_answer_is_generated() -> None:
    driver = Driver()
    driver.user_turn()
    driver.engine(engine.TextDelta(1, "one two three four"))
    driver.speech(1, 2000)
    driver.play(1000)
    item_id = driver.sent(engine.Respond)[0].item_id
    driver.client("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=1000)
    assert driver.events[-1]["type"] == "conversation.item.truncated"
    driver.engine(engine.Done(1, engine.DoneStatus.COMPLETED))
    assert driver.item(item_id)["content"][0]["transcript"] == "one two"


@pytest.mark.parametrize(
    ("content_index", "audio_end_ms", "param"),
    [(0, 1002, "audio_end_ms"), (1, 0, "content_index")],
)
def test_truncations_out_of_bounds(content_index: int, audio_end_ms: int, param: str) -> None:
    driver = Driver()
    driver.client(
        "conversation.item.truncate",
        item_id=spoken_answer(driver, 1000),
        content_index=content_index,
        audio_end_ms=audio_end_ms,
    )
    assert driver.error()["param"] == param
    assert not driver.sent(engine.ItemTruncate)


def test_only_the_assistant_s_audio_can_be_truncated() -> None:
    driver = Driver()
    create(driver, message("user", text("x"), id="a"))
    create(driver, message("assistant", {"type": "output_text", "text": "x"}, id="b"))
    for item_id, param in (("a", "item_id"), ("b", "content_index")):
        driver.client(
            "conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=0
        )
        assert driver.error()["param"] == param


# ---- bounds ----


@pytest.mark.parametrize(
    "event",
    ["", "{", "null", '{"type": "unheard.of"}', '{"type": "session.update"}', b"\x00\xff"],
)
def test_a_malformed_event_harms_nothing(event: str | bytes) -> None:
    driver = Driver()
    driver.client_text(event)
    assert driver.error()["type"] == "invalid_request_error"
    driver.user_turn()
    assert driver.types()[-1] == "response.created"


def test_an_event_that_is_too_large() -> None:
    driver = Driver()
    driver.client_text(json.dumps({"type": "x" * MAX_EVENT_BYTES}))
    assert driver.error()["code"] == "event_too_large"


def test_events_that_wait_for_the_channel_are_bounded() -> None:
    driver = Driver(open_channel=False)
    for _ in range(MAX_HELD):
        driver.engine(engine.SpeechStarted(0))
        driver.engine(engine.SpeechStopped(10))
    outputs = driver.conversation.channel_opened(driver.now)
    assert len(outputs) == 2 + MAX_HELD


def test_text_of_a_response_is_bounded() -> None:
    driver = Driver({"output_modalities": ["text"]})
    driver.client("response.create")
    for _ in range(10):
        driver.engine(engine.TextDelta(1, "ä" * (MAX_TEXT // 4)))
    driver.engine(engine.Done(1, engine.DoneStatus.COMPLETED))
    (item,) = driver.last("response.done")["response"]["output"]
    assert len(item["content"][0]["text"]) == MAX_TEXT


def test_calls_of_tools_in_a_response_are_bounded() -> None:
    driver = Driver()
    driver.client("response.create")
    driver.engine(engine.ToolCall(1, engine.FunctionCall("a", "f", "x" * (MAX_TEXT + 1))))
    for index in range(MAX_CALLS + 5):
        driver.engine(engine.ToolCall(1, engine.FunctionCall(str(index), "f", "{}")))
    driver.engine(engine.Done(1, engine.DoneStatus.COMPLETED))
    assert len(driver.last("response.done")["response"]["output"]) == MAX_CALLS
    driver.rules.settle()
