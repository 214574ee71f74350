"""OpenAI's agents for browsers, in Chromium, from another origin: over WebRTC and a WebSocket."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from playwright.async_api import Page, Route, async_playwright

from antiphon.wav import Samples
from tests.e2e.browser import CHROMIUM, FLAGS, OBSERVER
from tests.e2e.npm_project import NPM_PROJECT, needs_npm
from tests.e2e.sdk_deployment import SdkDeployment
from tests.e2e.speech import Speaker, silence
from tests.e2e.stand_in_model import LONG_ANSWER, TELL_ME_MORE
from tests.e2e.test_chromium import AUDIBLE_DB
from tests.e2e.test_websocket import pcm

pytestmark = [
    pytest.mark.calm,
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium: Debian's package of that name"),
    needs_npm,
]

PATIENCE_S = 30.0
QUESTION = "what time is it"
INTERRUPTION = "stop what time is it"
LISTENS_FOR_S = 2.0
TOLERANCE_MS = 500
ORIGIN = "http://localhost"
"""Answered by the test itself. Pages of this name may do what pages over https may."""
BUNDLE = NPM_PROJECT / "node_modules/@openai/agents-realtime/dist/bundle"
FILES = {
    "/": b'<!doctype html><title>Agents</title><script src="agents.js"></script>'
    b'<script src="page.js"></script>',
    "/agents.js": BUNDLE / "openai-realtime-agents.umd.js",
    "/page.js": NPM_PROJECT / "agents_page.js",
}


class AgentsPage:
    def __init__(self, page: Page) -> None:
        self._page = page

    async def connect(self, sdks: SdkDeployment, transport: str) -> str | None:
        """With a client secret, as pages should."""
        calls = f"{sdks.base_url}/realtime/calls"
        wish = {
            "transport": transport,
            "url": calls if transport == "webrtc" else sdks.websocket_url,
            "key": await sdks.client_secret(),
            "instructions": "I was interrupted.",
        }
        call_id: str | None = await self._page.evaluate("wish => connect(wish)", wish)
        return call_id

    async def say(self, samples: Samples) -> None:
        spoken = b64encode(pcm(np.concatenate([samples, silence(0.1)]))).decode()
        await self._page.evaluate("base64 => page.say(base64)", spoken)

    async def write(self, words: str) -> None:
        await self._page.evaluate("words => page.session.sendMessage(words)", words)

    async def events(self, type_: str) -> list[dict[str, Any]]:
        """`{"at": seconds, "event": ...}` of every server event of the type so far."""
        found: list[dict[str, Any]] = await self._page.evaluate(
            "type => page.events.filter(({ event }) => event.type === type)", type_
        )
        return found

    async def event(
        self, type_: str, count: int = 1, *, item_id: str | None = None
    ) -> dict[str, Any]:
        """The `count`th, or the `count`th about an item."""
        while True:
            found = [
                each["event"]
                for each in await self.events(type_)
                if item_id in (None, subject(each["event"]))
            ]
            if len(found) >= count:
                return found[count - 1]
            await asyncio.sleep(0.05)

    async def transcripts(self, role: str) -> list[str]:
        said: list[str] = await self._page.evaluate("role => transcripts(role)", role)
        return said

    async def answered(self, words: str) -> None:
        while words not in await self.transcripts("assistant"):
            await asyncio.sleep(0.05)

    async def seen(self, name: str) -> Any:
        return await self._page.evaluate(f"page.{name}")

    async def heard_ms(self) -> float:
        """From the first to the last sound of the answer that was cut."""
        cut = (await self.events("output_audio_buffer.cleared"))[-1]["at"]
        began = (await self.events("output_audio_buffer.started"))[1]["at"]
        levels = np.reshape(await self._page.evaluate("observed.levels"), (-1, 2))
        audible = levels[levels[:, 1] > AUDIBLE_DB, 0]
        heard = audible[(audible > began - 0.2) & (audible < cut + 0.5)]
        return float(heard[-1] - heard[0]) * 1000


def subject(event: dict[str, Any]) -> str:
    """The id of the item that the event is about."""
    return event.get("item_id") or event.get("item", {}).get("id", "")


async def serve(route: Route) -> None:
    content = FILES[route.request.url.removeprefix(ORIGIN)]
    body = content if isinstance(content, bytes) else content.read_bytes()
    kind = "text/html" if isinstance(content, bytes) else "text/javascript"
    await route.fulfill(body=body, content_type=kind)


@asynccontextmanager
async def agents_page() -> AsyncIterator[AgentsPage]:
    async with asyncio.timeout(2 * PATIENCE_S), async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS])
        context = await browser.new_context(ignore_https_errors=True)
        # The page's origin is no machine, from where Chromium lets none call this one unasked.
        await context.grant_permissions(["local-network-access"])
        page = await context.new_page()
        page.on("console", lambda message: print("console:", message.text))
        await page.route(f"{ORIGIN}/**", serve)
        await page.add_init_script(OBSERVER.read_text())
        await page.goto(f"{ORIGIN}/")
        opened = AgentsPage(page)
        try:
            yield opened
        finally:
            events = await page.evaluate("page.events.map(({ event }) => JSON.stringify(event))")
            print("\n".join(events))  # shown with a failed test
            await browser.close()


@pytest.mark.parametrize("transport", ["webrtc", "websocket"])
async def test_a_conversation(transport: str, sdks: SdkDeployment, speaker: Speaker) -> None:
    async with agents_page() as page:
        call_id = await page.connect(sdks, transport)
        assert (call_id or "").startswith("rtc_") is (transport == "webrtc")
        await page.say(speaker.say(QUESTION))
        await page.answered("It is half past nine.")
        assert await page.seen("toolRuns") == 1
        await page.event("response.done", 2)
        if transport == "webrtc":
            await page.event("output_audio_buffer.stopped")

        told = len(await page.events("response.output_audio_transcript.delta"))
        await page.write(TELL_ME_MORE)
        answer = await page.event("response.output_audio_transcript.delta", told + 1)
        await asyncio.sleep(LISTENS_FOR_S)
        await page.say(speaker.say(INTERRUPTION))
        truncated = await page.event("conversation.item.truncated", item_id=answer["item_id"])
        await page.event("conversation.item.retrieved", item_id=answer["item_id"])

        _, heard, *_ = await page.transcripts("assistant")
        assert 0 < len(heard) < len(LONG_ANSWER)
        assert LONG_ANSWER.startswith(heard)
        assert (await page.transcripts("user"))[:2] == [QUESTION, TELL_ME_MORE]
        if transport == "webrtc":
            heard_ms = await page.heard_ms()
            assert truncated["audio_end_ms"] == pytest.approx(heard_ms, abs=TOLERANCE_MS)
        else:
            assert await page.seen("interruptions") > 0
        assert await page.seen("errors") == []
