"""The playground over a WebSocket in Chromium: it plays, and says what was heard."""

import re

import pytest
from playwright.async_api import async_playwright, expect

from tests.e2e.browser import CHROMIUM
from tests.e2e.running_deployment import RunningDeployment

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium: Debian's package of that name"),
]

FLAGS = ("--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
PATIENCE_MS = 20_000


async def test_a_written_question_is_answered_aloud_and_cut_to_what_was_heard(
    deployment: RunningDeployment,
) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await browser.new_page()
        page.set_default_timeout(PATIENCE_MS)
        await page.goto(f"{deployment.url}/#key={deployment.api_key}&transport=websocket")
        await page.get_by_test_id("start").click()
        await page.get_by_test_id("mute").click()  # Chromium's own microphone beeps
        message, turns = page.get_by_test_id("message"), page.locator("#transcript li")
        await message.fill("What is twelve plus thirty?")
        await message.press("Enter")
        answer = re.compile("42|forty.two", re.IGNORECASE)
        await expect(turns.nth(1)).to_contain_text(answer, timeout=PATIENCE_MS)
        await message.fill("What can you do?")
        await message.press("Enter")
        cut = turns.nth(3)
        await expect(cut).to_have_attribute("data-status", "final", timeout=PATIENCE_MS)
        speaking = page.get_by_test_id("activity")
        await expect(speaking).to_have_text("speaking", timeout=PATIENCE_MS)
        await page.keyboard.press("Escape")
        await expect(cut.locator(".note")).to_contain_text("interrupted after", timeout=PATIENCE_MS)
        await expect(cut.locator("s")).not_to_be_empty(timeout=PATIENCE_MS)
        await expect(page.get_by_test_id("error")).to_be_hidden()
        await browser.close()
