"""The playground's sessions over a WebSocket, whose server the tests are."""

import asyncio
import json
from base64 import b64decode, b64encode
from typing import Any

import pytest
from playwright.async_api import Page, WebSocketRoute, expect

from tests.transceiver.signaling.conftest import API_KEY, Server
from tests.transceiver.signaling.playground.driver import PATIENCE_S

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SECOND = b64encode(bytes(24_000 * 2)).decode()


class FakeSession:
    """The server's end of the page's WebSocket."""

    def __init__(self) -> None:
        self.url = ""
        self.received: list[dict[str, Any]] = []
        self.closed = False
        self._socket: WebSocketRoute | None = None

    def serve(self, socket: WebSocketRoute) -> None:
        self.url, self._socket = socket.url, socket
        socket.on_message(lambda message: self.received.append(json.loads(message)))
        socket.on_close(lambda *_: setattr(self, "closed", True))
        self.send({"type": "session.created", "session": {"id": "sess_1"}})

    def send(self, *events: dict[str, Any]) -> None:
        assert self._socket is not None
        for event in events:
            self._socket.send(json.dumps(event))

    async def close(self, code: int, reason: str) -> None:
        assert self._socket is not None
        await self._socket.close(code=code, reason=reason)

    async def sent(self, kind: str) -> dict[str, Any]:
        """The first event of this type that the page sends."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for event in self.received:
                    if event["type"] == kind:
                        return event
                await asyncio.sleep(0.02)


async def connect(page: Page, server: Server) -> FakeSession:
    session = FakeSession()
    await page.route_web_socket(lambda url: url.startswith("ws"), session.serve)
    await page.goto(f"{server.url}/#key={API_KEY}&transport=websocket&model=echo&voice=alto")
    await page.get_by_test_id("start").click()
    await expect(page.get_by_test_id("state")).to_have_attribute("data-state", "connected")
    return session


def audio(item: str) -> dict[str, Any]:
    ids = {"response_id": "resp_1", "item_id": item, "content_index": 0}
    return {"type": "response.output_audio.delta", **ids, "delta": SECOND}


async def test_sends_its_settings_and_the_microphone(page: Page, server: Server) -> None:
    session = await connect(page, server)
    assert session.url == server.url.replace("http", "ws") + "/v1/realtime?model=echo"
    update = await session.sent("session.update")
    assert update["session"]["audio"]["output"] == {"voice": "alto"}
    assert "model" not in update["session"]
    append = await session.sent("input_audio_buffer.append")
    assert len(b64decode(append["audio"])) == 2 * 24_000 // 25
    await expect(page.get_by_test_id("call-id")).to_have_text("sess_1")
    await expect(page.get_by_test_id("bitrate-up")).to_contain_text("kbit/s")
    assert server.calls.offers == []


async def test_plays_an_answer_and_tells_how_much_was_heard(page: Page, server: Server) -> None:
    session = await connect(page, server)
    session.send(
        {"type": "response.created", "response": {"id": "resp_1"}},
        audio("item_1"),
        audio("item_1"),
        {"type": "response.done", "response": {"id": "resp_1", "status": "completed"}},
    )
    await expect(page.get_by_test_id("activity")).to_have_text("speaking")
    await asyncio.sleep(0.2)
    session.send({"type": "input_audio_buffer.speech_started", "item_id": "item_2"})
    truncate = await session.sent("conversation.item.truncate")
    assert truncate["item_id"] == "item_1"
    assert truncate["content_index"] == 0
    assert 0 < truncate["audio_end_ms"] < 2000
    await expect(page.get_by_test_id("activity")).not_to_have_text("speaking")


async def test_plays_to_the_end_what_is_not_interrupted(page: Page, server: Server) -> None:
    session = await connect(page, server)
    session.send(audio("item_1"))
    await expect(page.get_by_test_id("activity")).to_have_text("speaking")
    await expect(page.get_by_test_id("activity")).to_have_text("listening")
    session.send({"type": "input_audio_buffer.speech_started", "item_id": "item_2"})
    await expect(page.get_by_test_id("activity")).to_have_text("hearing you")
    assert all(event["type"] != "conversation.item.truncate" for event in session.received)


async def test_interrupt_drops_what_is_under_way(page: Page, server: Server) -> None:
    session = await connect(page, server)
    session.send({"type": "response.created", "response": {"id": "resp_1"}}, audio("item_1"))
    await expect(page.get_by_test_id("activity")).to_have_text("speaking")
    await page.get_by_test_id("interrupt").click()
    await session.sent("response.cancel")
    await session.sent("conversation.item.truncate")
    session.send(audio("item_1"))
    await expect(page.get_by_test_id("activity")).to_have_text("listening")


async def test_stop_closes_the_socket(page: Page, server: Server) -> None:
    session = await connect(page, server)
    await page.get_by_test_id("stop").click()
    await expect(page.get_by_test_id("state")).to_have_attribute("data-state", "ended")
    async with asyncio.timeout(PATIENCE_S):
        while not session.closed:
            await asyncio.sleep(0.02)


async def test_says_why_the_connection_ended(page: Page, server: Server) -> None:
    session = await connect(page, server)
    await session.close(1012, "this server is about to restart")
    await expect(page.get_by_test_id("error")).to_contain_text("this server is about to restart")


async def test_says_that_the_key_is_bad(page: Page, server: Server) -> None:
    """The server of these tests has no WebSockets: it refuses, as it does for a bad key."""
    await page.goto(f"{server.url}/#key=sk-wrong&transport=websocket")
    await page.get_by_test_id("start").click()
    await expect(page.get_by_test_id("error")).to_contain_text("The API key was not accepted.")


async def test_keeps_audio_out_of_the_log_unless_asked(page: Page, server: Server) -> None:
    session = await connect(page, server)
    await session.sent("input_audio_buffer.append")
    await page.locator("#log > summary").click()
    appended = page.locator("#log-entries .type", has_text="input_audio_buffer.append")
    await expect(appended).to_have_count(0)
    await page.get_by_test_id("log-audio").check()
    await expect(appended).not_to_have_count(0)
    await page.get_by_test_id("log-audio").uncheck()  # nobody clicks at what moves
    await appended.first.click()
    await expect(page.locator("#log-entries pre")).to_contain_text("2560 characters of base64")
