"""What the playground does to a conversation: writing, interrupting, tools; and what it shows."""

import json
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.transceiver.signaling.conftest import Server
from tests.transceiver.signaling.playground.driver import (
    connect,
    receive,
    response_done,
    sent,
    spoken_turn,
    until,
)

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

RESPONSE_CREATED: dict[str, Any] = {"type": "response.created", "response": {"id": "resp_1"}}
PLAYING: dict[str, Any] = {"type": "output_audio_buffer.started", "response_id": "resp_1"}
DONE = response_done(1, "completed")


def function_call(name: str, arguments: str) -> list[dict[str, Any]]:
    """The events of a response that only calls a function."""
    call = {"id": "item_c", "type": "function_call", "call_id": "call_1", "name": name}
    whole = {**call, "status": "completed", "arguments": arguments}
    ids = {"response_id": "resp_1", "item_id": "item_c", "call_id": "call_1"}
    return [
        RESPONSE_CREATED,
        {
            "type": "response.output_item.added",
            "response_id": "resp_1",
            "item": {**call, "status": "in_progress", "arguments": ""},
        },
        {
            "type": "response.function_call_arguments.done",
            **ids,
            "name": name,
            "arguments": arguments,
        },
        {"type": "response.output_item.done", "response_id": "resp_1", "item": whole},
        {
            "type": "response.done",
            "response": {"id": "resp_1", "status": "completed", "output": [whole]},
        },
    ]


async def test_sends_what_is_written(page: Page, server: Server) -> None:
    await connect(page, server)
    message = page.get_by_test_id("message")
    await message.fill("What is twelve plus thirty?")
    await message.press("Enter")
    created, answer = await sent(page)
    assert created["type"] == "conversation.item.create"
    assert created["item"] == {
        "type": "message",
        "role": "user",
        "content": [{"type": "input_text", "text": "What is twelve plus thirty?"}],
    }
    assert answer == {"type": "response.create"}
    await expect(message).to_have_value("")
    item = {"id": "item_1", **created["item"]}
    await receive(page, {"type": "conversation.item.added", "item": item})
    turn = page.get_by_test_id("transcript").locator("li").nth(0)
    await expect(turn.locator(".words")).to_have_text("What is twelve plus thirty?")
    await expect(turn.locator(".speaker")).to_have_text("You")


async def test_what_is_written_interrupts_and_is_answered_next(page: Page, server: Server) -> None:
    await connect(page, server)
    await receive(page, RESPONSE_CREATED, PLAYING)
    await page.get_by_test_id("message").fill("Stop")
    await page.get_by_test_id("send").click()
    before = ["response.cancel", "output_audio_buffer.clear", "conversation.item.create"]
    assert [event["type"] for event in await sent(page)] == before
    await receive(page, response_done(1, "cancelled"))
    assert [event["type"] for event in await sent(page)] == [*before, "response.create"]


async def test_interrupts_by_button_and_by_key(page: Page, server: Server) -> None:
    await connect(page, server)
    interrupt = page.get_by_test_id("interrupt")
    await expect(interrupt).to_have_attribute("aria-disabled", "true")
    await page.keyboard.press("Escape")
    await receive(page, RESPONSE_CREATED, PLAYING)
    await expect(interrupt).to_have_attribute("aria-disabled", "false")
    await interrupt.click()
    await receive(page, response_done(1, "cancelled"))
    await page.keyboard.press("Escape")
    types = [event["type"] for event in await sent(page)]
    clear = "output_audio_buffer.clear"
    assert types == ["response.cancel", clear, clear]
    await receive(page, {"type": "output_audio_buffer.cleared", "response_id": "resp_1"})
    await expect(interrupt).to_have_attribute("aria-disabled", "true")


async def test_shows_an_answer_cut_to_what_was_heard(page: Page, server: Server) -> None:
    await connect(page, server)
    truncated = {"item_id": "item_a1", "content_index": 0, "audio_end_ms": 1240}
    await receive(
        page,
        *spoken_turn(1, "What can you do?", "I can tell you the time."),
        response_done(1, "cancelled"),
        {"type": "conversation.item.truncated", **truncated},
    )
    assert await sent(page) == [{"type": "conversation.item.retrieve", "item_id": "item_a1"}]
    content = [{"type": "output_audio", "transcript": "I can tell"}]
    item = {"id": "item_a1", "type": "message", "role": "assistant", "content": content}
    await receive(page, {"type": "conversation.item.retrieved", "item": item})
    answer = page.get_by_test_id("transcript").locator("li").nth(1)
    await expect(answer.locator("s")).to_have_text(" you the time.")
    assert await answer.locator(".words").evaluate("words => words.firstChild.data") == "I can tell"
    await expect(answer.locator(".note")).to_have_text("interrupted after 1.2 s")


async def test_calls_a_tool_once_and_has_the_agent_go_on(page: Page, server: Server) -> None:
    await connect(page, server)
    await receive(page, *function_call("roll_dice", '{"count":2,"sides":6}'))
    output, answer = await sent(page)
    assert answer == {"type": "response.create"}
    assert output["item"]["type"] == "function_call_output"
    assert output["item"]["call_id"] == "call_1"
    rolled = json.loads(output["item"]["output"])["rolled"]
    assert len(rolled) == 2
    assert all(1 <= number <= 6 for number in rolled)
    await receive(page, {"type": "conversation.item.added", "item": {"id": "o", **output["item"]}})
    turn = page.get_by_test_id("transcript").locator("li")
    await expect(turn.locator(".words")).to_have_text('roll_dice({"count":2,"sides":6})')
    await expect(turn.locator(".note")).to_have_text(f"→ {output['item']['output']}")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("roll_dice", "{"),
        ("set_theme", '{"theme":"pink"}'),
        ("constructor", "{}"),
        ("add_note", "7"),
    ],
)
async def test_tells_the_agent_of_a_call_that_cannot_be_made(
    page: Page, server: Server, name: str, arguments: str
) -> None:
    await connect(page, server)
    await receive(page, *function_call(name, arguments))
    output, _ = await sent(page)
    assert "error" in json.loads(output["item"]["output"])


async def test_tools_change_the_page(page: Page, server: Server) -> None:
    await page.emulate_media(color_scheme="light")
    await connect(page, server)
    light = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    await receive(page, *function_call("set_theme", '{"theme":"dark"}'))
    await until(page, f"getComputedStyle(document.body).backgroundColor !== '{light}'")
    await receive(page, *function_call("add_note", '{"text":"Buy <b>milk</b>"}'))
    await expect(page.get_by_test_id("notes")).to_have_text("Buy <b>milk</b>")


async def test_offers_the_tools_that_are_chosen(page: Page, server: Server) -> None:
    await connect(page, server)
    offered = server.calls.sessions[0].tools
    assert offered is not None
    assert len(offered) == 4
    await page.get_by_test_id("tools").get_by_label("Roll dice").uncheck()
    (update,) = await sent(page)
    assert update["type"] == "session.update"
    names = [tool["name"] for tool in update["session"]["tools"]]
    assert names == ["get_local_time", "set_theme", "add_note"]


async def test_filters_the_log(page: Page, server: Server) -> None:
    await connect(page, server)
    await receive(page, *spoken_turn(1, "What can you do?", "I can"), DONE)
    await page.locator("#log > summary").click()
    shown = page.locator("#log-entries > li:not([hidden])")
    words, count = page.get_by_test_id("log-filter"), page.get_by_test_id("log-count")
    await expect(shown).to_have_count(7)
    await words.fill("response -delta")
    await expect(shown.locator(".type")).to_have_text(
        ["response.created", "response.output_item.added", "response.done"]
    )
    await expect(count).to_have_text("3 of 7")
    await words.fill("item_u1")
    await expect(shown).to_have_count(3)
    await page.get_by_test_id("log-direction").select_option("sent")
    await expect(page.get_by_text("No event passes the filter.")).to_be_visible()


async def test_waits_where_another_response_is_active(page: Page, server: Server) -> None:
    await connect(page, server)
    await page.get_by_test_id("message").fill("Well?")
    await page.get_by_test_id("message").press("Enter")
    busy = {"code": "conversation_already_has_active_response", "message": "Wait."}
    await receive(page, RESPONSE_CREATED, {"type": "error", "error": busy}, DONE)
    asked = [event["type"] for event in await sent(page)].count("response.create")
    assert asked == 2
    await expect(page.get_by_test_id("error")).to_be_hidden()


async def test_chooses_devices(page: Page, server: Server) -> None:
    """Chromium's fake devices: what is chosen is what is opened and played on."""
    await connect(page, server)
    before = await page.evaluate("fakePeer.getSenders()[0].track.id")
    microphone, speaker = page.get_by_test_id("microphone"), page.get_by_test_id("speaker")
    await expect(microphone.locator("option")).not_to_have_count(1)
    await microphone.select_option(index=1)
    await until(page, f"fakePeer.getSenders()[0].track.id !== '{before}'")
    await expect(speaker.locator("option")).not_to_have_count(1)
    await speaker.select_option(index=1)
    await until(page, "document.getElementById('agent-audio').sinkId !== ''")
    await expect(page.get_by_test_id("error")).to_be_hidden()
