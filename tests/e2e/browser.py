"""Headless Chromium with a sound file as its microphone, on the playground page."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from playwright.async_api import Page, async_playwright

from antiphon.wav import Samples, write_wav
from tests.e2e.bursts import onsets_of_levels
from tests.e2e.running_deployment import RunningDeployment
from tests.e2e.speech import silence

LEAD_IN_S = 2.5
"""The microphone begins with the page's request for it, a while before the call is connected."""

CHROMIUM = shutil.which("chromium")
OBSERVER = Path(__file__).with_name("observe_call.js")

FLAGS = (
    "--allow-loopback-in-peer-connection",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--no-sandbox",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)


@dataclass
class BrowserCall:
    """A call placed by the playground page."""

    page: Page

    async def wait_for_event(self, kind: str, *, after: int = 0, timeout_s: float) -> int:
        """The index in `events` of the first event of this type from `after` on."""
        return await self.wait_for(
            """([kind, after]) => {
                const index = observed.events.findIndex(
                    ({ event }, at) => at >= after && event.type === kind);
                return index < 0 ? null : index;
            }""",
            [kind, after],
            timeout_s,
        )

    async def wait_for(self, expression: str, argument: Any, timeout_s: float) -> Any:
        """The first value of the function that is not null.

        Asked again and again from here: the page's content security policy, under
        which it must work, forbids Playwright's own way of waiting inside it.
        """
        async with asyncio.timeout(timeout_s):
            while (value := await self.page.evaluate(expression, argument)) is None:
                await asyncio.sleep(0.05)
        return value

    async def events(self) -> list[dict[str, Any]]:
        """`{"at": seconds, "event": ...}` of every server event so far."""
        events: list[dict[str, Any]] = await self.page.evaluate("observed.events")
        return events

    async def send(self, event: dict[str, Any]) -> None:
        """Send a client event."""
        await self.page.evaluate("event => observed.channel.send(JSON.stringify(event))", event)

    async def levels(self) -> tuple[np.ndarray, np.ndarray]:
        """What the page heard: seconds on the clock of `events`, and decibels."""
        times, levels = np.reshape(await self.page.evaluate("observed.levels"), (-1, 2)).T
        return times, levels

    async def onsets(self, count: int) -> list[float]:
        """When the sounds began that the page heard, a while after there are so many.

        Raises TimeoutError, with what was heard instead.
        """
        heard: list[float] = []
        try:
            async with asyncio.timeout(LEAD_IN_S + 10):
                while len(heard := onsets_of_levels(*await self.levels())) < count:
                    await asyncio.sleep(0.1)
        except TimeoutError as error:
            raise TimeoutError(f"of {count} sounds the page heard those at {heard} s") from error
        await asyncio.sleep(0.3)
        return onsets_of_levels(*await self.levels())


@contextlib.asynccontextmanager
async def browser_call(
    deployment: RunningDeployment,
    microphone: Samples,
    directory: Path,
    *,
    model: str = "",
    script: str = "",
) -> AsyncIterator[BrowserCall]:
    """Open the playground, start a call that speaks `microphone` once, stop it at the end.

    `script` is run in the page before its own code.
    """
    file = directory / "microphone.wav"
    # Where the file ends, Chromium adds a click that passes for one more syllable.
    write_wav(file, np.concatenate([microphone, silence(2.0)]))
    flags = [*FLAGS, f"--use-file-for-fake-audio-capture={file}%noloop"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        page = await browser.new_page()
        await page.add_init_script(OBSERVER.read_text() + script)
        await page.goto(f"{deployment.url}/#key={deployment.api_key}&model={model}")
        await page.get_by_test_id("start").click()
        call = BrowserCall(page)
        connected = "() => observed.connection === 'connected' || null"
        await call.wait_for(connected, None, timeout_s=20)
        yield call
        await page.get_by_test_id("stop").click()
        await page.wait_for_selector("[data-testid=state][data-state=ended]")
        await browser.close()
