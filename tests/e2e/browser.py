"""Headless Chromium with a sound file as its microphone, on the playground page."""

import contextlib
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from playwright.async_api import Page, async_playwright

from antiphon.wav import Samples, write_wav
from tests.e2e.running_deployment import RunningDeployment

CHROMIUM = shutil.which("chromium")
OBSERVER = Path(__file__).with_name("observe_call.js")

_FLAGS = (
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
        found = await self.page.wait_for_function(
            """([kind, after]) => {
                const index = observed.events.findIndex(
                    ({ event }, at) => at >= after && event.type === kind);
                return index >= 0 && { index };
            }""",
            arg=[kind, after],
            timeout=timeout_s * 1000,
        )
        return int((await found.json_value())["index"])

    async def events(self) -> list[dict[str, Any]]:
        """`{"at": seconds, "event": ...}` of every server event so far."""
        events: list[dict[str, Any]] = await self.page.evaluate("observed.events")
        return events

    async def levels(self) -> tuple[np.ndarray, float]:
        """Decibels of what the page heard, and the seconds from one to the next."""
        levels, step_s = await self.page.evaluate("[observed.levels, observed.stepSeconds]")
        return np.array(levels), float(step_s)


@contextlib.asynccontextmanager
async def browser_call(
    deployment: RunningDeployment, microphone: Samples, directory: Path, *, model: str = ""
) -> AsyncIterator[BrowserCall]:
    """Open the playground, start a call that speaks `microphone` once, stop it at the end."""
    file = directory / "microphone.wav"
    write_wav(file, microphone)
    flags = [*_FLAGS, f"--use-file-for-fake-audio-capture={file}%noloop"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        page = await browser.new_page()
        await page.add_init_script(path=OBSERVER)
        await page.goto(f"{deployment.url}/#key={deployment.api_key}&model={model}")
        await page.get_by_test_id("start").click()
        await page.wait_for_function("observed.connection === 'connected'", timeout=20_000)
        yield BrowserCall(page)
        await page.get_by_test_id("stop").click()
        await page.wait_for_selector("[data-testid=state][data-state=ended]")
        await browser.close()
