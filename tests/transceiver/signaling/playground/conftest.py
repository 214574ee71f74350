"""One Chromium for all tests of the page; each has a page, and a server, of its own."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright, expect

from tests.transceiver.signaling.conftest import OFFER, Server, running_server
from tests.transceiver.signaling.playground.driver import PATIENCE_S

FAKE_PEER = (Path(__file__).parent / "fake_peer.js").read_text()

CHROMIUM = shutil.which("chromium")
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]
EXPECTED_NOISE = ("Failed to load resource", "WebSocket connection to")
"""Chromium reports each refused request to the console itself."""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine: its pages were not tested")
    expect.set_options(timeout=PATIENCE_S * 1000)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def server() -> AsyncIterator[Server]:
    async with running_server() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """One without WebRTC, whose scripts must raise nothing and break no content security policy."""
    page = await browser.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if is_error(message) else None)
    await page.add_init_script(f"window.fakeOffer = {OFFER!r};")
    await page.add_init_script(FAKE_PEER)
    yield page
    await page.context.close()
    assert faults == []


def is_error(message: ConsoleMessage) -> bool:
    return message.type == "error" and not message.text.startswith(EXPECTED_NOISE)
