import asyncio

import numpy as np
import pytest
from aiohttp import web

from antiphon.loudness import voiced_steps
from antiphon.realtime_call import CallError, RealtimeCall, TimedEvent, no_media_path
from antiphon.wav import RATE, Samples
from tests.antiphon.answering_peer import API_KEY, answering_peer


def tone(seconds: float) -> Samples:
    wave = 10_000 * np.sin(2 * np.pi * 440 * np.arange(round(RATE * seconds)) / RATE)
    return wave.astype(np.int16)


async def test_a_call_is_placed_spoken_into_and_heard() -> None:
    noted: list[TimedEvent] = []
    async with answering_peer() as (peer, url), RealtimeCall(noted.append) as call:
        await call.place(url, API_KEY, {"type": "realtime", "model": "echo"})
        assert peer.sessions == [{"type": "realtime", "model": "echo"}]
        assert call.call_id == "rtc_1"
        assert [event.event["type"] for event in noted] == ["session.created"]

        utterance = call.microphone.say(tone(0.5))
        await utterance.finished.wait()
        async with asyncio.timeout(10):
            while (call.heard.last_audible_at or 0) < (utterance.started_at or 0) + 0.5:
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.3)
        assert utterance.started_at is not None
        recording = call.heard.recording(utterance.started_at, utterance.started_at + 5)
        voiced = voiced_steps(recording)
        assert voiced.sum() * 0.005 == pytest.approx(0.5, abs=0.1)


async def test_events_are_sent_and_waited_for() -> None:
    async with answering_peer() as (peer, url), RealtimeCall() as call:
        await call.place(url, API_KEY, {"type": "realtime"})
        call.send({"type": "response.create"})
        with pytest.raises(CallError, match=r"no response\.done event within 0\.2 s"):
            await call.event("response.done", timeout_s=0.2)
        assert peer.received == [{"type": "response.create"}]


async def test_a_refusal_is_told_in_the_servers_words() -> None:
    async with answering_peer() as (_, url), RealtimeCall() as call:
        with pytest.raises(CallError, match=r"401 Incorrect API key provided\.$"):
            await call.place(url, "sk-wrong", {})


async def test_a_server_that_is_not_there_is_named() -> None:
    async with RealtimeCall() as call:
        with pytest.raises(CallError, match=r"cannot reach http://127\.0\.0\.1:9/.*refused"):
            await call.place("http://127.0.0.1:9", API_KEY, {})


async def test_an_answer_that_is_no_sdp_is_refused() -> None:
    async def nonsense(_request: web.Request) -> web.Response:
        return web.Response(status=201, text="hello")

    app = web.Application()
    app.router.add_post("/v1/realtime/calls", nonsense)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with RealtimeCall() as call:
            with pytest.raises(CallError, match="cannot be used"):
                await call.place(url, API_KEY, {})
    finally:
        await runner.cleanup()


def test_a_silent_candidate_is_named_once() -> None:
    candidate = "a=candidate:1 1 udp 2130706431 192.0.2.1 3478 typ host\r\n"
    answer = f"m=audio 9 x\r\n{candidate}m=application 9 x\r\n{candidate}"
    assert no_media_path(answer) == "no media path: nothing answered on UDP at 192.0.2.1:3478"


async def test_a_call_that_breaks_is_noticed_by_whoever_waits() -> None:
    async with answering_peer() as (peer, url), RealtimeCall() as call:
        await call.place(url, API_KEY, {"type": "realtime"})
        waiting = asyncio.create_task(call.event("response.done", timeout_s=20))
        await asyncio.sleep(0)
        await peer.hang_up()
        with pytest.raises(CallError, match="the connection closed"):
            await waiting
        with pytest.raises(CallError):
            call.check()
