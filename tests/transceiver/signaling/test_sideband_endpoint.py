"""Sidebands over real WebSockets to calls that are real but for their clients and replica."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType, web

from antiphon_proto import trunk
from antiphon_proto.realtime import RealtimeSession
from tests.transceiver.call_table_driver import OFFER, Worker
from tests.transceiver.signaling.conftest import API_KEY, CLUSTER_KEYS, NOW, bearer, error_of
from transceiver.audience import MAX_SIDEBANDS
from transceiver.close_reason import CloseReason
from transceiver.signaling.api_keys import ApiKeys
from transceiver.signaling.client_secret import BoundSession, ClientSecrets
from transceiver.signaling.cors import AllowedOrigins
from transceiver.signaling.http import forwarded_app

PATIENCE_S = 10.0
KEYS = ApiKeys([API_KEY])
PAGE = "https://app.example"


def secret(nonce: int) -> str:
    """Of those that make calls."""
    issuer = next(iter(KEYS._keys.values())).fingerprint
    bound = BoundSession(b"{}", int(NOW) + 600, issuer)
    return ClientSecrets(CLUSTER_KEYS).mint(bound, bytes([nonce] * 12))


@dataclass
class Owner:
    """A worker's calls, and the port that it serves them at."""

    worker: Worker
    url: str
    runner: web.AppRunner
    http: aiohttp.ClientSession
    flushed: list[None] = field(default_factory=list)

    async def call(self, creator: str | None = None) -> str:
        digest = creator and sha256(creator.encode()).digest()
        created = await self.worker.webrtc.create_call(OFFER, RealtimeSession(), digest or None)
        return created.call_id

    @property
    def listener(self) -> Any:
        """The engine's side of the last call."""
        return self.worker.inference.opened[-1][0]

    async def sideband(self, call_id: str, key: str = API_KEY, **headers: str) -> "Application":
        socket = await self.http.ws_connect(
            f"/v1/realtime?call_id={call_id}", headers={**bearer(key), **headers}
        )
        application = Application(socket)
        created = await application.event()
        assert created["type"] == "session.created"
        # What takes the call up again is its client's.
        assert "resume" not in created["session"]
        return application

    async def refusal(self, query: str, **headers: str) -> tuple[int, str | None]:
        upgrade = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        }
        async with self.http.get(f"/v1/realtime{query}", headers={**upgrade, **headers}) as refused:
            return refused.status, (await error_of(refused, refused.status))["code"]


@dataclass
class Application:
    socket: aiohttp.ClientWebSocketResponse

    async def send(self, type_: str, **members: Any) -> None:
        await self.socket.send_json({"type": type_, **members})

    async def event(self) -> dict[str, Any]:
        event: dict[str, Any] = await self.socket.receive_json()
        return event

    async def end(self) -> tuple[int, list[str]]:
        """The code with which the server closes, and the types of what comes before."""
        types = []
        while (message := await self.socket.receive()).type is WSMsgType.TEXT:
            types.append(message.json()["type"])
        assert self.socket.close_code is not None
        return self.socket.close_code, types


@pytest.fixture
async def owner() -> AsyncIterator[Owner]:
    worker = Worker()
    flushed: list[None] = []
    app = forwarded_app(
        worker.factory,
        KEYS,
        ClientSecrets(CLUSTER_KEYS),
        allowed_origins=AllowedOrigins(frozenset([PAGE])),
        flush=lambda: flushed.append(None),
        clock=lambda: NOW,
    )
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = "http://{}:{}".format(*runner.addresses[0][:2])
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(asyncio.timeout(PATIENCE_S))
        http = await stack.enter_async_context(aiohttp.ClientSession(url))
        yield Owner(worker, url, runner, http, flushed)
        worker.calls.close_all()
        await runner.cleanup()


async def test_an_application_takes_part_in_a_call(owner: Owner) -> None:
    application = await owner.sideband(await owner.call())
    await application.send("session.update", session={"type": "realtime", "instructions": "Hm."})
    updated = await application.event()
    assert updated["type"] == "session.updated"
    assert updated["session"]["instructions"] == "Hm."
    commands = owner.worker.inference.opened[-1][1].commands
    assert any(isinstance(command, trunk.Update) for command in commands)
    assert owner.flushed
    owner.listener.engine_event(trunk.SpeechStarted(100))
    assert (await application.event())["type"] == "input_audio_buffer.speech_started"


async def test_audio_is_the_calls_tracks(owner: Owner) -> None:
    application = await owner.sideband(await owner.call())
    await application.send("input_audio_buffer.append", audio="AAAA", event_id="mine")
    error = (await application.event())["error"]
    assert (error["code"], error["event_id"]) == ("unsupported_on_transport", "mine")


async def test_nobody_hears_of_what_another_is_refused(owner: Owner) -> None:
    call_id = await owner.call()
    clumsy, other = await owner.sideband(call_id), await owner.sideband(call_id)
    await clumsy.socket.send_str("{")
    await clumsy.send("response.cancel", event_id="mine")
    assert (await clumsy.event())["error"]["code"] == "invalid_json"
    assert (await clumsy.event())["error"]["event_id"] == "mine"
    await other.send("input_audio_buffer.clear")
    for application in other, clumsy:
        assert (await application.event())["type"] == "input_audio_buffer.cleared"


async def test_the_call_outlives_its_sidebands(owner: Owner) -> None:
    call_id = await owner.call()
    await (await owner.sideband(call_id)).socket.close()
    lost = await owner.sideband(call_id)
    transport = lost.socket._response.connection and lost.socket._response.connection.transport
    assert transport is not None
    transport.abort()
    owner.listener.engine_event(trunk.SpeechStarted(100))
    assert call_id in owner.worker.calls
    assert not owner.worker.counters.closed
    await owner.sideband(call_id)


async def test_a_sideband_ends_with_its_call(owner: Owner) -> None:
    call_id = await owner.call()
    application = await owner.sideband(call_id)
    async with owner.http.post(
        f"/v1/realtime/calls/{call_id}/hangup", headers=bearer(API_KEY)
    ) as response:
        assert response.status == 200
    assert await application.end() == (1000, [])
    assert await owner.refusal(f"?call_id={call_id}", **bearer(API_KEY)) == (404, "call_not_found")


async def test_it_is_told_why_its_call_ended(owner: Owner) -> None:
    application = await owner.sideband(await owner.call())
    owner.worker.inference.calls[-1].close(CloseReason.MAX_DURATION)
    assert await application.end() == (1000, ["error"])


async def test_the_end_of_the_worker_is_said_before_it_comes(owner: Owner) -> None:
    application = await owner.sideband(await owner.call())
    stopping = asyncio.create_task(owner.runner.cleanup())
    assert (await application.end())[0] == 1012
    await stopping


async def test_the_secret_that_made_the_call_opens_it_and_no_other(owner: Owner) -> None:
    call_id = await owner.call(creator=secret(1))
    await owner.sideband(call_id, secret(1))
    other = await owner.refusal(f"?call_id={call_id}", **bearer(secret(2)))
    assert other == (403, "insufficient_permissions")
    by_key = await owner.call()
    mine = await owner.refusal(f"?call_id={by_key}", **bearer(secret(1)))
    assert mine == (403, "insufficient_permissions")


async def test_who_may_not_connect_is_told_by_http(owner: Owner) -> None:
    query = f"?call_id={await owner.call()}"
    key = bearer(API_KEY)
    assert await owner.refusal(query) == (401, "invalid_api_key")
    assert await owner.refusal("?call_id=rtc_1") == (401, "invalid_api_key")
    assert await owner.refusal("?call_id=rtc_1", **key) == (404, "call_not_found")
    assert await owner.refusal("", **key) == (404, "call_not_found")
    evil = {"Origin": "https://evil.example"}
    assert await owner.refusal(query, **key, **evil) == (403, "origin_not_allowed")
    assert await owner.refusal(query, Upgrade="h2c", **key) == (426, None)


async def test_a_call_has_so_many_and_no_more(owner: Owner) -> None:
    call_id = await owner.call()
    applications = [await owner.sideband(call_id) for _ in range(MAX_SIDEBANDS)]
    refused = await owner.refusal(f"?call_id={call_id}", **bearer(API_KEY))
    assert refused == (429, "sideband_limit_exceeded")
    await applications[0].socket.close()
    await owner.sideband(call_id)


async def test_who_comes_too_late_for_a_call_that_nobody_took_hears_why(owner: Owner) -> None:
    error = b'{"type":"error"}'
    owner.worker.factory.outgoing.failed.keep("rtc_busy", CloseReason.REFUSED, (error,))
    late = await owner.http.ws_connect("/v1/realtime?call_id=rtc_busy", headers=bearer(API_KEY))
    assert await Application(late).end() == (1000, ["error"])
    by_secret = await owner.refusal("?call_id=rtc_busy", **bearer(secret(1)))
    assert by_secret == (403, "insufficient_permissions")
