"""Sessions over real WebSockets, before a replica that does what a test says."""

import asyncio
import base64
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType, web
from prometheus_client import CollectorRegistry

from antiphon_proto import trunk
from chassis.host_port import HostPort
from tests.transceiver.call_table_driver import Inference, Session
from tests.transceiver.resumption.continuities import continuities
from tests.transceiver.signaling.conftest import (
    API_KEY,
    CLUSTER_KEYS,
    NOW,
    WORKER,
    RecordedCalls,
    bearer,
    forwarding,
)
from transceiver import call, engine_link, websocket_call
from transceiver.admission import Admission
from transceiver.call_environment import CallEnvironment
from transceiver.close_reason import CloseReason
from transceiver.counters import CallCounters
from transceiver.engine_leg import EngineListener
from transceiver.load_meter import LoadMeter, ThreadTime
from transceiver.metrics import TurnLatency
from transceiver.resumption.live_sessions import LiveSessions
from transceiver.signaling import websocket_connection
from transceiver.signaling.api_keys import ApiKeys
from transceiver.signaling.client_secret import ClientSecrets
from transceiver.signaling.cors import AllowedOrigins
from transceiver.signaling.http import signaling_app
from transceiver.signaling.websocket_handshake import MAX_MESSAGE_BYTES
from transceiver.transport import Transport
from transceiver.websocket_calls import WebSocketCalls

READY = trunk.Ready("test", 16_000, 24_000, full_duplex=False)
PATIENCE_S = 10.0
PAGE = "https://app.example"
LIMITED_KEY = "sk-limited-0123456789"


class Replica(Inference):
    """It is ready as soon as it is asked."""

    def open(self, listener: EngineListener, but: Collection[HostPort] = ()) -> Session | None:
        session = super().open(listener, but)
        if session is not None and self.answer == READY:
            asyncio.get_running_loop().call_soon(listener.engine_event, READY)
        return session


@dataclass
class Server:
    url: str
    calls: WebSocketCalls
    admission: Admission
    inference: Inference
    counters: CallCounters
    runner: web.AppRunner

    @property
    def listener(self) -> Any:
        """Of the last session."""
        return self.inference.opened[-1][0]


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    inference, counters = Replica(), CallCounters()
    inference.answer = READY
    loop = asyncio.get_running_loop()
    admission = Admission(
        LoadMeter(0.0, ThreadTime(0.0, 0.0)),
        counters.refused,
        max_load=1.0,
        max_calls=2,
        engine_connected=lambda: inference.connected,
    )
    calls = WebSocketCalls(
        CallEnvironment(
            replicas=inference,
            counters=counters,
            turn_latency=TurnLatency(CollectorRegistry()),
            clock=loop.time,
            unix_time=lambda: NOW,
            max_seconds=3600,
            max_idle_seconds=0,
        ),
        admission,
        flush=lambda: None,
        continuities=continuities(seconds=1),
        live=LiveSessions(),
    )
    app = signaling_app(
        RecordedCalls(),
        ApiKeys([API_KEY, f"{LIMITED_KEY} sessions=1 requests-per-minute=3"]),
        ClientSecrets(CLUSTER_KEYS),
        lambda: None,
        *forwarding(WORKER, lambda _call_id: True),
        sessions=calls,
        allowed_origins=AllowedOrigins(frozenset([PAGE])),
    )
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    async with asyncio.timeout(PATIENCE_S):
        yield Server(f"http://{host}:{port}", calls, admission, inference, counters, runner)
    await runner.cleanup()


@pytest.fixture
async def http(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.url) as session:
        yield session


@dataclass
class Peer:
    socket: aiohttp.ClientWebSocketResponse

    async def send(self, type_: str, **members: Any) -> None:
        await self.socket.send_json({"type": type_, **members})

    async def event(self, type_: str) -> dict[str, Any]:
        """The next one of the type."""
        while True:
            event: dict[str, Any] = await self.socket.receive_json()
            if event["type"] == type_:
                return event

    async def end(self) -> tuple[int, str]:
        """The code and the reason with which the server closes, and its last error's code."""
        code = ""
        while True:
            message = await self.socket.receive()
            if message.type is WSMsgType.TEXT:
                event = json.loads(message.data)
                code = event["error"]["code"] if event["type"] == "error" else code
                continue
            assert self.socket.close_code is not None
            return self.socket.close_code, code


async def connect(
    server: Server, http: aiohttp.ClientSession, query: str = "?model=m", **options: Any
) -> Peer:
    options = {"headers": bearer(API_KEY), **options}
    peer = Peer(await http.ws_connect(f"/v1/realtime{query}", max_msg_size=0, **options))
    first = await peer.socket.receive_json()
    assert first["type"] == "session.created"
    return peer


async def refusal(http: aiohttp.ClientSession, query: str = "", **headers: str) -> tuple[int, str]:
    """The status and the error's code of a connection that is not made."""
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(bytes(16)).decode(),
        **headers,
    }
    async with http.get(f"/v1/realtime{query}", headers=upgrade) as response:
        body = await response.json()
        return response.status, body["error"]["code"]


async def settled(server: Server) -> CloseReason:
    """Why the one session ended, once nothing is left of it."""
    while len(server.calls) or server.counters.open.total():
        await asyncio.sleep(0.01)
    [(reason, count)] = server.counters.closed.items()
    assert count == 1
    assert server.inference.opened[-1][1].closed is not None
    return reason


async def test_a_browser_brings_its_key_as_a_subprotocol(
    server: Server, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    names = ["realtime", f"openai-insecure-api-key.{API_KEY}", "openai-beta.realtime-v1"]
    peer = await connect(server, http, headers={"Origin": PAGE}, protocols=names)
    assert peer.socket.protocol == "realtime"
    assert server.counters.open == {Transport.WEBSOCKET: 1}
    await peer.socket.close()
    assert await settled(server) is CloseReason.CLIENT_HANGUP
    assert API_KEY not in caplog.text


async def test_a_client_secret_brings_its_session(
    server: Server, http: aiohttp.ClientSession
) -> None:
    wish = {"session": {"type": "realtime", "instructions": "Be brief.", "model": "other"}}
    minted = await http.post("/v1/realtime/client_secrets", json=wish, headers=bearer(API_KEY))
    secret = (await minted.json())["value"]
    socket_ = await http.ws_connect("/v1/realtime", headers=bearer(secret))
    created = await socket_.receive_json()
    assert created["session"]["instructions"] == "Be brief."
    assert created["session"]["model"] == "other"
    await socket_.close()


async def test_who_may_not_connect_is_told_by_http(
    server: Server, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    key = bearer(API_KEY)
    only_key = {"Sec-WebSocket-Protocol": f"openai-insecure-api-key.{API_KEY}"}
    assert await refusal(http) == (401, "invalid_api_key")
    assert await refusal(http, Authorization="Bearer sk-wrong") == (401, "invalid_api_key")
    assert await refusal(http, **only_key) == (400, None)
    assert await refusal(http, Origin="https://evil.example", **key) == (403, "origin_not_allowed")
    beta = {"OpenAI-Beta": "realtime=v1"}
    assert await refusal(http, **beta, **key) == (400, "beta_api_shape_disabled")
    assert await refusal(http, "?call_id=rtc_1", **key) == (404, "call_not_found")
    assert await refusal(http, "?intent=translation", **key) == (400, "invalid_value")
    assert await refusal(http, Upgrade="h2c", **key) == (426, None)
    assert server.inference.opened == []
    assert API_KEY not in caplog.text


async def test_who_cannot_be_served_is_told_by_http(
    server: Server, http: aiohttp.ClientSession
) -> None:
    key = bearer(API_KEY)
    server.inference.answer = trunk.Error("at_capacity", "no", fatal=True)
    assert await refusal(http, **key) == (503, "at_capacity")
    server.inference.answer = READY
    server.inference.connected = False
    assert await refusal(http, **key) == (503, "engine_unavailable")
    server.inference.connected = True
    peers = [await connect(server, http) for _ in range(2)]
    assert await refusal(http, **key) == (503, "at_capacity")
    server.admission.draining = True
    assert await refusal(http, **key) == (503, "draining")
    for peer in peers:
        await peer.socket.close()


async def test_a_keys_limits_are_those_of_its_sockets_too(
    server: Server, http: aiohttp.ClientSession
) -> None:
    limited = bearer(LIMITED_KEY)
    browser = {"Sec-WebSocket-Protocol": f"realtime, openai-insecure-api-key.{LIMITED_KEY}"}
    peer = await connect(server, http, headers=limited)
    assert peer.socket._response.headers["x-ratelimit-remaining-requests"] == "2"
    assert await refusal(http, **browser) == (429, "session_limit_exceeded")
    await peer.socket.close()
    while len(server.calls):
        await asyncio.sleep(0.01)
    await connect(server, http, headers=limited)
    assert await refusal(http, **browser) == (429, "rate_limit_exceeded")
    assert await refusal(http, **limited) == (429, "rate_limit_exceeded")


async def test_a_client_that_is_gone_leaves_nothing(
    server: Server, http: aiohttp.ClientSession
) -> None:
    peer = await connect(server, http)
    peer.socket._response.connection.transport.abort()
    while len(server.calls):
        server.calls.tick()
        await asyncio.sleep(0.01)
    assert await settled(server) is CloseReason.CLIENT_LOST


async def test_a_message_beyond_any_event_closes(
    server: Server, http: aiohttp.ClientSession
) -> None:
    peer = await connect(server, http)
    await peer.socket.send_bytes(bytes(25 << 20))
    assert (await peer.event("error"))["error"]["code"] == "event_too_large"
    await peer.send("input_audio_buffer.clear")
    await peer.event("input_audio_buffer.cleared")
    with contextlib.suppress(ConnectionError):  # It ends before all was sent.
        await peer.socket.send_bytes(bytes(MAX_MESSAGE_BYTES + 1))
    assert await settled(server) is CloseReason.CHANNEL_BROKEN


async def test_a_client_that_does_not_read_is_closed(
    server: Server, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket_call, "MAX_CONGESTED_S", 0.1)
    monkeypatch.setattr(websocket_call, "MAX_UNSENT_BYTES", 1 << 30)
    monkeypatch.setattr(websocket_connection, "CLOSE_S", 0.5)
    peer = await connect(server, http)
    connection = peer.socket._response.connection
    connection.transport.pause_reading()
    connection.transport.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_RCVBUF, 4096
    )
    await peer.send("response.create")
    while not any(isinstance(c, trunk.Respond) for c in server.inference.opened[-1][1].commands):
        await asyncio.sleep(0.01)
    while not server.counters.closed:
        server.listener.engine_audio(1, 0, bytes(96_000))
        server.calls.tick()
        await asyncio.sleep(0.001)
    assert await settled(server) is CloseReason.CLIENT_LOST


async def test_an_engine_that_fails_ends_the_session(
    server: Server, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_link, "ADRIFT_S", 0.1)
    peer = await connect(server, http)
    server.inference.takes_sessions = False
    server.listener.engine_event(trunk.Error("engine_failed", "broken", fatal=True))
    while not server.counters.closed:
        server.calls.tick()
        await asyncio.sleep(0.05)
    assert await peer.end() == (1011, "engine_failed")
    assert await settled(server) is CloseReason.ENGINE_FAILED


async def test_a_defect_ends_the_session(
    server: Server, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = await connect(server, http)
    monkeypatch.setattr(call, "encode_server_event", None)
    await peer.send("input_audio_buffer.clear")
    assert await peer.end() == (1011, "")
    assert await settled(server) is CloseReason.INTERNAL_ERROR


async def test_the_end_of_the_worker_is_said_before_it_comes(
    server: Server, http: aiohttp.ClientSession
) -> None:
    peer = await connect(server, http)
    stopping = asyncio.create_task(server.runner.cleanup())
    assert await peer.end() == (1012, "draining")
    await stopping
    assert await settled(server) is CloseReason.SHUTDOWN


async def test_a_client_that_comes_again_without_its_token_takes_the_place_that_it_had(
    server: Server, http: aiohttp.ClientSession
) -> None:
    limited = bearer(LIMITED_KEY)
    lost = await connect(server, http, headers=limited)
    lost.socket._response.connection.transport.abort()
    while not all(call.deserted for call in server.calls._calls.values()):
        await asyncio.sleep(0.01)
    assert len(server.calls) == 1
    again = await connect(server, http, headers=limited)
    assert len(server.calls) == 1
    assert server.counters.closed == {CloseReason.CLIENT_LOST: 1}
    await again.socket.close()
