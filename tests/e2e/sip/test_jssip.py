"""JsSIP in Chromium: a phone in a page, whose SIP goes over a WebSocket."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.async_api import Page, Route, async_playwright

from antiphon.wav import Samples, write_wav
from tests.e2e.browser import CHROMIUM, FLAGS, LEAD_IN_S, OBSERVER
from tests.e2e.npm_project import NODE, NPM_PROJECT, needs_npm
from tests.e2e.sip.peer_process import HOST
from tests.e2e.sip.recordings import ANSWER, QUESTION
from tests.e2e.sip.sip_deployment import ORIGIN, PASSWORD, SipDeployment
from tests.e2e.speech import Speaker, silence
from tests.e2e.test_chromium import AUDIBLE_DB

pytestmark = [
    pytest.mark.calm,
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium: Debian's package of that name"),
    needs_npm,
]

PATIENCE_S = 30.0
MODULES = NPM_PROJECT / "node_modules"


class PhonePage:
    def __init__(self, page: Page) -> None:
        self._page = page

    async def call(self, sip: SipDeployment, number: str) -> None:
        secure = sip.running.url.replace("https", "wss", 1)
        wish = {
            "socket": f"{secure}/sip",
            "uri": f"sip:alice@{HOST}",
            "password": PASSWORD,
            "target": f"sip:{number}@{HOST}",
        }
        await self._page.evaluate("wish => call(wish)", wish)

    async def reached(self, name: str) -> dict[str, Any]:
        """The state; waits for it."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                states = await self._page.evaluate("page.states")
                for state in states:
                    if state["name"] == name:
                        found: dict[str, Any] = state
                        return found
                    assert state["name"] not in ("failed", "registrationFailed"), states
                await asyncio.sleep(0.05)

    async def press(self, key: str, way: str) -> None:
        """`way` is RFC2833 or INFO."""
        await self._page.evaluate("([key, way]) => press(key, way)", [key, way])

    async def hang_up(self) -> None:
        await self._page.evaluate("page.session.terminate()")
        await self.reached("ended")
        await self._page.evaluate("leave()")

    async def heard_s(self) -> float:
        """For how long there was a sound."""
        levels = np.reshape(await self._page.evaluate("observed.levels"), (-1, 2))
        return float(np.sum(np.diff(levels[:, 0])[levels[1:, 1] > AUDIBLE_DB]))


@asynccontextmanager
async def phone_page(directory: Path, microphone: Samples) -> AsyncIterator[PhonePage]:
    recorded, bundle = directory / "microphone.wav", directory / "jssip.js"
    write_wav(recorded, microphone)
    esbuild, jssip = MODULES / "esbuild/bin/esbuild", MODULES / "jssip/lib/JsSIP.js"
    flags = ["--bundle", "--global-name=JsSIP", "--log-level=error", f"--outfile={bundle}"]
    subprocess.run([NODE, esbuild, jssip, *flags], check=True)
    scripts = (OBSERVER, bundle, NPM_PROJECT / "jssip_page.js")
    playing = f"--use-file-for-fake-audio-capture={recorded}%noloop"
    async with async_playwright() as playwright:
        arguments = [*FLAGS, "--ignore-certificate-errors", playing]
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        context = await browser.new_context()
        # The page's origin is no machine, from where Chromium lets none call this one unasked.
        await context.grant_permissions(["local-network-access"])
        page = await context.new_page()
        page.on("console", lambda message: print(message.text))  # shown with a failed test
        await page.route(f"{ORIGIN}/**", _serve_empty_page)
        await page.goto(f"{ORIGIN}/")
        for script in scripts:
            await page.add_script_tag(content=script.read_text())
        yield PhonePage(page)
        await browser.close()


async def _serve_empty_page(route: Route) -> None:
    await route.fulfill(body="<!doctype html><title>Phone</title>", content_type="text/html")


async def test_a_page_registers_asks_and_presses_keys(
    sip: SipDeployment, speaker: Speaker, tmp_path: Path
) -> None:
    microphone = np.concatenate([silence(LEAD_IN_S), speaker.say(QUESTION), silence(10.0)])
    async with phone_page(tmp_path, microphone) as page:
        await page.call(sip, "browser")
        incoming = await sip.application.incoming("browser")
        assert incoming.data.sip_media_security == "srtp"
        async with sip.application.taken(incoming) as sideband:
            await page.reached("confirmed")
            assert await sideband.question() == QUESTION
            assert await sideband.answered() == ANSWER
            for count, (key, way) in enumerate([("7", "RFC2833"), ("8", "INFO")], start=1):
                await page.press(key, way)
                pressed = await sideband.event("input_audio_buffer.dtmf_event_received", count)
                assert pressed.event == key
            assert await page.heard_s() > 1.0
            await page.hang_up()
            await sideband.ended()
