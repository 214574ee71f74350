"""The playground in a real browser, from the real application; only WebRTC is stood in for.

Real calls from this page are proven by the end-to-end tests.
"""

import asyncio

import pytest
from playwright.async_api import Page, expect

from tests.transceiver.signaling.conftest import API_KEY, OFFER, Server
from tests.transceiver.signaling.playground.driver import (
    PATIENCE_S,
    connect,
    receive,
    response_done,
    spoken_turn,
    start,
    until,
)
from transceiver.signaling.calls import CallRefusedError, RefusalReason

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LATENCY = {
    "uplink_wait": 12,
    "endpointing": 280,
    "asr": 90.4,
    "brain": 160,
    "tts": 55,
    "trunk": 3,
    "pacing": 22,
    "transport": 38,
}


async def test_places_a_call_with_the_key_from_the_address(page: Page, server: Server) -> None:
    settings = f"key={API_KEY}&model=echo&voice=alto&instructions=Be+brief."
    await connect(page, server, settings)
    assert page.url == f"{server.url}/"
    assert server.calls.offers == [OFFER]
    session = server.calls.sessions[0]
    assert session.model == "echo"
    assert session.instructions == "Be brief."
    assert session.audio.output.voice == "alto"
    assert session.audio.input.transcription is not None
    assert await page.evaluate("fakePeer.channel.label") == "oai-events"
    await expect(page.get_by_test_id("call-id")).to_have_text("rtc_1")


async def test_keeps_the_key_over_a_reload_of_the_tab(page: Page, server: Server) -> None:
    await page.goto(f"{server.url}/#key={API_KEY}")
    await page.reload()
    await page.get_by_test_id("start").click()
    await until(page, "window.fakePeer?.answer")


async def test_asks_for_a_key_before_the_first_call(page: Page, server: Server) -> None:
    await page.goto(server.url)
    await page.get_by_test_id("start").click()
    await expect(page.get_by_test_id("key")).to_be_focused()
    await page.get_by_test_id("key").fill(API_KEY)
    await page.keyboard.press("Enter")
    await until(page, "window.fakePeer?.answer")


async def test_shows_both_sides_as_they_speak(page: Page, server: Server) -> None:
    await connect(page, server)
    turns = page.get_by_test_id("transcript").locator("li")
    await receive(page, *spoken_turn(1, "What is twelve plus thirty?", "Twelve plus"))
    await expect(turns.nth(0).locator(".words")).to_have_text("What is twelve plus thirty?")
    await expect(turns.nth(1)).to_have_attribute("data-status", "partial")
    await receive(
        page,
        {
            "type": "response.output_audio_transcript.delta",
            "item_id": "item_a1",
            "delta": " thirty",
        },
    )
    await expect(turns.nth(1).locator(".words")).to_have_text("Twelve plus thirty")
    await receive(
        page,
        {
            "type": "response.output_audio_transcript.done",
            "item_id": "item_a1",
            "transcript": "Twelve plus thirty is 42.",
        },
        response_done(1, "completed"),
    )
    await expect(turns.nth(1).locator(".words")).to_have_text("Twelve plus thirty is 42.")
    await expect(turns.nth(1)).to_have_attribute("data-status", "final")
    await expect(page.locator("#announcer")).to_have_text("Agent: Twelve plus thirty is 42.")
    await expect(turns).to_have_count(2)


async def test_marks_an_interrupted_answer(page: Page, server: Server) -> None:
    await connect(page, server)
    await receive(
        page,
        *spoken_turn(1, "What can you do?", "I can tell you the"),
        {"type": "input_audio_buffer.speech_started", "item_id": "item_u2", "audio_start_ms": 9},
        response_done(1, "cancelled"),
        {
            "type": "conversation.item.truncated",
            "item_id": "item_a1",
            "content_index": 0,
            "audio_end_ms": 1240,
        },
    )
    answer = page.get_by_test_id("transcript").locator("li").nth(1)
    await expect(answer).to_have_attribute("data-status", "interrupted")
    await expect(answer.locator(".note")).to_have_text("interrupted after 1.2 s")


async def test_stacks_the_latency_of_each_turn(page: Page, server: Server) -> None:
    await connect(page, server)
    metadata = {f"antiphon_latency_{part}_ms": str(ms) for part, ms in LATENCY.items()}
    await receive(
        page,
        response_done(1, "completed", antiphon_latency_ms="660.4", **metadata),
        response_done(2, "completed", antiphon_latency_ms="1320.8", **metadata),
        response_done(3, "completed"),
    )
    latency = page.get_by_test_id("latency")
    await expect(latency.locator(".bar")).to_have_count(2)
    await expect(latency.locator("#latency-total strong")).to_have_text("1321 ms")
    await latency.locator(".bar").nth(1).focus()
    await expect(latency.locator("#latency-total strong")).to_have_text("660 ms")
    asr = page.get_by_test_id("waterfall").locator('[data-part="asr"]')
    await expect(asr.locator("dd")).to_have_text("90 ms")
    step = "step => [step.style.marginLeft, step.style.width].map(parseFloat)"
    begun, lasted = await asr.locator(".step").evaluate(step)
    assert begun == pytest.approx(100 * (12 + 280) / 660.4, abs=0.01)
    assert lasted == pytest.approx(100 * 90.4 / 660.4, abs=0.01)
    widths = (
        await latency.locator(".bar")
        .nth(1)
        .locator(".stack span")
        .evaluate_all("spans => spans.map(span => parseFloat(span.style.width))")
    )
    assert widths == pytest.approx([100 * ms / 1320.8 for ms in LATENCY.values()], abs=0.01)


async def test_shows_the_connections_figures(page: Page, server: Server) -> None:
    await start(page, server)
    await page.evaluate(
        """() => { window.fakeStats = {
            t: {type: "transport", dtlsState: "connected", selectedCandidatePairId: "p",
                timestamp: 1000, bytesSent: 0, bytesReceived: 0},
            p: {type: "candidate-pair", currentRoundTripTime: 0.0234, remoteCandidateId: "r"},
            r: {type: "remote-candidate", address: "203.0.113.9", port: 3478, protocol: "udp"},
            i: {type: "inbound-rtp", kind: "audio", jitter: 0.0012, packetsLost: 1,
                packetsReceived: 99},
        }; fakePeer.connect(); }"""
    )
    await expect(page.get_by_test_id("rtt")).to_have_text("23 ms")
    await expect(page.get_by_test_id("jitter")).to_have_text("1.2 ms")
    await expect(page.get_by_test_id("loss")).to_have_text("1.0 %")
    await expect(page.get_by_test_id("dtls-state")).to_have_text("connected")
    await expect(page.get_by_test_id("ice-state")).to_have_text("connected")
    await expect(page.get_by_test_id("remote-address")).to_have_text("203.0.113.9:3478 udp")
    await page.evaluate(
        "Object.assign(fakeStats.t, {timestamp: 3000, bytesReceived: 9000, bytesSent: 10000})"
    )
    await expect(page.get_by_test_id("bitrate-down")).to_have_text("36 kbit/s")
    await expect(page.get_by_test_id("bitrate-up")).to_have_text("40 kbit/s")


async def test_logs_the_last_500_events(page: Page, server: Server) -> None:
    await connect(page, server)
    await receive(page, *({"type": "rate_limits.updated", "number": n} for n in range(501)))
    await expect(page.get_by_test_id("log-count")).to_have_text("501")
    await page.locator("#log > summary").click()
    entries = page.locator("#log-entries > li")
    await expect(entries).to_have_count(500)
    await entries.first.locator("summary").click()
    await expect(entries.first.locator("pre")).to_contain_text('"number": 1')


async def test_stop_hangs_up(page: Page, server: Server) -> None:
    await connect(page, server)
    await page.get_by_test_id("stop").click()
    await expect(page.get_by_test_id("state")).to_have_attribute("data-state", "ended")
    await expect(page.get_by_test_id("start")).to_be_focused()
    await until(page, "fakePeer.connectionState === 'closed'")
    assert await page.evaluate("fakePeer.getSenders()[0].track.readyState") == "ended"
    async with asyncio.timeout(PATIENCE_S):
        while server.calls.hung_up != ["rtc_1"]:
            await asyncio.sleep(0.02)


async def test_mute_silences_the_microphone(page: Page, server: Server) -> None:
    await connect(page, server)
    mute = page.get_by_test_id("mute")
    await mute.click()
    await expect(mute).to_have_attribute("aria-pressed", "true")
    assert await page.evaluate("fakePeer.getSenders()[0].track.enabled") is False
    await mute.click()
    assert await page.evaluate("fakePeer.getSenders()[0].track.enabled") is True


async def test_meters_show_the_microphone(page: Page, server: Server) -> None:
    """Chromium's fake microphone beeps once a second."""
    await connect(page, server)
    await until(page, "document.getElementById('you-meter').ariaValueNow > 20")


async def test_says_that_the_key_is_bad(page: Page, server: Server) -> None:
    await page.goto(f"{server.url}/#key=sk-wrong")
    await page.get_by_test_id("start").click()
    await expect(page.get_by_test_id("error")).to_contain_text("The API key was not accepted.")
    await expect(page.get_by_test_id("state")).to_have_attribute("data-state", "failed")
    await expect(page.get_by_test_id("start")).to_be_visible()


async def test_says_that_the_server_is_full(page: Page, server: Server) -> None:
    server.calls.failure = CallRefusedError(RefusalReason.AT_CAPACITY)
    await page.goto(f"{server.url}/#key={API_KEY}")
    await page.get_by_test_id("start").click()
    await expect(page.get_by_test_id("error")).to_contain_text("All capacity is in use.")


async def test_says_that_the_server_is_gone(page: Page, server: Server) -> None:
    await page.goto(f"{server.url}/#key={API_KEY}")
    await server.runner.cleanup()
    await page.get_by_test_id("start").click()
    await expect(page.get_by_test_id("error")).to_contain_text("The server cannot be reached.")


async def test_says_that_the_microphone_was_refused(page: Page, server: Server) -> None:
    await page.add_init_script(
        """navigator.mediaDevices.getUserMedia =
            async () => { throw new DOMException("", "NotAllowedError"); };"""
    )
    await page.goto(f"{server.url}/#key={API_KEY}")
    await page.get_by_test_id("start").click()
    await expect(page.get_by_test_id("error")).to_contain_text("The microphone was refused.")
    assert server.calls.offers == []


async def test_says_that_media_does_not_arrive(page: Page, server: Server) -> None:
    await page.clock.install()
    await start(page, server)
    await page.clock.fast_forward(16_000)
    await expect(page.get_by_test_id("error")).to_contain_text("Media cannot reach the server.")


async def test_tells_an_interruption_from_a_lost_connection(page: Page, server: Server) -> None:
    await connect(page, server)
    await page.evaluate("fakePeer.become('disconnected')")
    await expect(page.get_by_test_id("state")).to_have_attribute("data-state", "reconnecting")
    await page.evaluate("fakePeer.become('connected')")
    await expect(page.get_by_test_id("state")).to_have_attribute("data-state", "connected")
    await page.evaluate("fakePeer.become('failed')")
    await expect(page.get_by_test_id("error")).to_contain_text("The connection was lost.")
    await expect(page.get_by_test_id("state")).to_have_attribute("data-state", "failed")


async def test_shows_an_error_event_and_goes_on(page: Page, server: Server) -> None:
    await connect(page, server)
    await receive(page, {"type": "error", "error": {"message": "No such item."}})
    await expect(page.get_by_test_id("error")).to_contain_text("No such item.")
    await expect(page.get_by_test_id("state")).to_have_attribute("data-state", "connected")


async def test_shows_what_it_hears_as_text_only(page: Page, server: Server) -> None:
    await connect(page, server)
    await receive(page, *spoken_turn(1, "<img src=x onerror=alert(1)>", "<b>bold</b>"))
    transcript = page.get_by_test_id("transcript")
    await expect(transcript).to_contain_text("<img src=x onerror=alert(1)>")
    await expect(transcript.locator("img, b")).to_have_count(0)


@pytest.mark.parametrize("width", [340, 700, 1280])
async def test_fits_every_width(page: Page, server: Server, width: int) -> None:
    await page.set_viewport_size({"width": width, "height": 800})
    await connect(page, server)
    await receive(page, *spoken_turn(1, "word" * 80, "word" * 80))
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
