"""Drives the playground page: the tests speak for the server."""

import asyncio
from typing import Any

from playwright.async_api import Page, expect

from tests.transceiver.signaling.conftest import API_KEY, Server

PATIENCE_S = 20.0
"""Bounds a test that would otherwise hang; nothing is expected to take as long."""


async def until(page: Page, condition: str) -> None:
    """Wait for a JavaScript condition; Playwright's own way needs eval, which the page forbids."""
    async with asyncio.timeout(PATIENCE_S):
        while not await page.evaluate(condition):
            await asyncio.sleep(0.02)


async def start(page: Page, server: Server, settings: str = f"key={API_KEY}") -> None:
    """Start a call and bring it to where the server's answer is set."""
    await page.goto(f"{server.url}/#{settings}")
    await page.get_by_test_id("start").click()
    await until(page, "window.fakePeer?.answer")


async def connect(page: Page, server: Server, settings: str = f"key={API_KEY}") -> None:
    await start(page, server, settings)
    await page.evaluate("fakePeer.connect()")
    await expect(page.get_by_test_id("state")).to_have_attribute("data-state", "connected")


async def receive(page: Page, *events: dict[str, Any]) -> None:
    await page.evaluate("events => events.forEach(event => fakePeer.receive(event))", list(events))


def spoken_turn(number: int, question: str, answer: str) -> list[dict[str, Any]]:
    """The events of one turn up to its last transcript delta."""
    user, agent, response = f"item_u{number}", f"item_a{number}", f"resp_{number}"
    return [
        {"type": "input_audio_buffer.speech_started", "item_id": user, "audio_start_ms": 0},
        {"type": "input_audio_buffer.speech_stopped", "item_id": user, "audio_end_ms": 900},
        {"type": "response.created", "response": {"id": response}},
        {
            "type": "response.output_item.added",
            "response_id": response,
            "item": {"id": agent, "type": "message", "role": "assistant"},
        },
        {
            "type": "conversation.item.input_audio_transcription.completed",
            "item_id": user,
            "transcript": question,
        },
        {"type": "response.output_audio_transcript.delta", "item_id": agent, "delta": answer},
    ]


def response_done(number: int, status: str, **metadata: str) -> dict[str, Any]:
    response = {"id": f"resp_{number}", "status": status, "metadata": metadata}
    return {"type": "response.done", "response": response}


async def sent(page: Page) -> list[dict[str, Any]]:
    """The events that the page sent over its data channel."""
    events: list[dict[str, Any]] = await page.evaluate("fakePeer.channel.sent.map(JSON.parse)")
    return events
