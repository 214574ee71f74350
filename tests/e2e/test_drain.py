"""SIGTERM to a transceiver that has calls: a second one beside the deployment's own."""

import asyncio
import time
from collections.abc import Iterator
from http import HTTPStatus

import aiohttp
import pytest

from antiphon.realtime_call import CallError, RealtimeCall
from tests.e2e.running_deployment import RunningDeployment
from tests.e2e.tier_process import Transceiver

PATIENCE_S = 30.0
DRAIN_S = 4


async def post(transceiver: Transceiver, http: aiohttp.ClientSession) -> tuple[int, str, str]:
    """Offer nothing; the status, the error's code and when to come again."""
    url = f"{transceiver.url}/v1/realtime/calls"
    key = {"Authorization": f"Bearer {transceiver.api_key}"}
    form = {"data": b"v=0\r\n", "headers": {**key, "Content-Type": "application/sdp"}}
    async with http.post(url, **form) as response:
        error = (await response.json())["error"]
        return response.status, error["code"], response.headers.get("Retry-After", "")


async def ended(transceiver: Transceiver) -> int:
    async with asyncio.timeout(PATIENCE_S):
        return await asyncio.to_thread(transceiver.process.wait)


@pytest.fixture
def transceiver(deployment: RunningDeployment) -> Iterator[Transceiver]:
    transceiver = Transceiver(deployment, f"--drain-seconds={DRAIN_S}")
    yield transceiver
    transceiver.end()


async def readiness(http: aiohttp.ClientSession, url: str) -> tuple[int, str]:
    async with http.get(f"{url}/readyz") as response:
        return response.status, await response.text()


async def answers(call: RealtimeCall) -> None:
    """Raises CallError when the call is dead."""
    since = len(call.events)
    call.send({"type": "input_audio_buffer.clear"})
    await call.event("input_audio_buffer.cleared", since=since, timeout_s=PATIENCE_S)


async def test_calls_go_on_until_the_time_is_over_and_no_others_are_taken(
    transceiver: Transceiver,
) -> None:
    async with RealtimeCall() as call, aiohttp.ClientSession() as http:
        await transceiver.place(call)
        transceiver.process.terminate()
        asked_at = time.monotonic()
        async with asyncio.timeout(PATIENCE_S):
            while await readiness(http, transceiver.url) != (503, "draining\n"):
                await asyncio.sleep(0.02)
        status, code, again = await post(transceiver, http)
        assert (status, code) == (HTTPStatus.SERVICE_UNAVAILABLE, "draining")
        assert int(again) > 0
        await answers(call)
        error = await call.event("error", timeout_s=PATIENCE_S)
        assert error.event["error"]["code"] == "draining"
        assert time.monotonic() - asked_at > DRAIN_S - 0.5
        assert await ended(transceiver) == 0


async def test_sessions_are_told_where_the_worker_that_keeps_them_ends_as_well(
    deployment: RunningDeployment,
) -> None:
    transceiver = Transceiver(deployment, "--workers=2", "--drain-seconds=0")
    headers = {"Authorization": f"Bearer {transceiver.api_key}"}
    try:
        async with (
            aiohttp.ClientSession(headers=headers) as http,
            http.ws_connect(f"{transceiver.url}/v1/realtime?model=cascade") as session,
        ):
            assert (await session.receive_json())["type"] == "session.created"
            transceiver.process.terminate()
            heard = [message.json() async for message in session]
            assert heard[-1]["error"]["code"] == "draining"
            assert session.close_code == aiohttp.WSCloseCode.SERVICE_RESTART
    finally:
        transceiver.end()


async def test_it_ends_with_the_last_call(transceiver: Transceiver) -> None:
    async with RealtimeCall() as call:
        await transceiver.place(call)
        transceiver.process.terminate()
        await answers(call)
    assert await ended(transceiver) == 0


async def test_a_second_signal_ends_it_at_once(transceiver: Transceiver) -> None:
    async with RealtimeCall() as call:
        await transceiver.place(call)
        transceiver.process.terminate()
        await answers(call)
        transceiver.process.terminate()
        error = await call.event("error", timeout_s=PATIENCE_S)
        assert error.event["error"]["code"] == "draining"
        assert await ended(transceiver) == 0
        with pytest.raises(CallError):
            call.check()
