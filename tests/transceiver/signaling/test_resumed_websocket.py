"""Clients that come again by WebSocket, at the worker that holds their session."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web
from msgspec import Raw
from prometheus_client import CollectorRegistry

from antiphon_proto.realtime import RealtimeSession
from chassis.host_port import HostPort
from tests.transceiver.signaling.conftest import (
    API_KEY,
    CLUSTER_KEYS,
    NOW,
    RecordedCalls,
    bearer,
    forwarding,
)
from tests.transceiver.signaling.test_websocket import READY, Replica
from transceiver.admission import Admission
from transceiver.call_environment import CallEnvironment
from transceiver.close_reason import CloseReason
from transceiver.config import TransceiverConfig
from transceiver.counters import CallCounters
from transceiver.load_meter import LoadMeter, ThreadTime
from transceiver.metrics import TurnLatency
from transceiver.replica_addresses import ReplicaAddresses
from transceiver.resumption.continuity import TakenUp
from transceiver.resumption.resume_token import ResumeClaim
from transceiver.resumption.snapshot import Snapshot
from transceiver.signaling.api_keys import ApiKeys
from transceiver.signaling.authentication import Authenticator
from transceiver.signaling.client_secret import ClientSecrets
from transceiver.signaling.http import signaling_app
from transceiver.websocket_calls import WebSocketCalls
from transceiver.worker_resumption import WorkerResumption

HERE = ("127.0.0.1", 1)
PATIENCE_S = 20.0


class Worker:
    """One that is reached by HTTP, before a replica that is ready at once."""

    def __init__(self) -> None:
        self.inference, self.counters = Replica(), CallCounters()
        self.inference.answer = READY
        config = TransceiverConfig(
            advertise=HostPort("127.0.0.1", 1),
            inference=ReplicaAddresses((HostPort("127.0.0.1", 1),)),
            cluster_keys="",
        )
        self.resumption = WorkerResumption(config, CLUSTER_KEYS, here=HERE, siblings=[])
        self.admission = Admission(
            LoadMeter(0.0, ThreadTime(0.0, 0.0)),
            self.counters.refused,
            max_load=1.0,
            max_calls=5,
            engine_connected=lambda: True,
        )
        environment = CallEnvironment(
            replicas=self.inference,
            counters=self.counters,
            turn_latency=TurnLatency(CollectorRegistry()),
            clock=asyncio.get_running_loop().time,
            unix_time=lambda: NOW,
            max_seconds=3600,
            max_idle_seconds=0,
        )
        self.calls = WebSocketCalls(
            environment,
            self.admission,
            flush=lambda: None,
            continuities=self.resumption.continuities,
            live=self.resumption.live,
        )
        self.app = signaling_app(
            RecordedCalls(),
            ApiKeys([API_KEY]),
            ClientSecrets(CLUSTER_KEYS),
            lambda: None,
            *forwarding(HERE, lambda _call_id: True),
            sessions=self.calls,
            resuming=self.resumption.resuming,
        )

    def token(self, session_id: str) -> str:
        secrets = ClientSecrets(CLUSTER_KEYS)
        authenticator = Authenticator(ApiKeys([API_KEY]), secrets, lambda: NOW)
        origin = authenticator.identify(f"Bearer {API_KEY}").origin
        claim = ResumeClaim(session_id, HERE, origin, 2**40)
        return self.resumption.continuities.tokens.mint(claim, bytes(12))


@pytest.fixture
async def worker() -> Worker:
    return Worker()


@pytest.fixture
async def http(worker: Worker) -> AsyncIterator[aiohttp.ClientSession]:
    runner = web.AppRunner(worker.app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    client = aiohttp.ClientSession(f"http://{host}:{port}", headers=bearer(API_KEY))
    async with worker.resumption.connected(), client, asyncio.timeout(PATIENCE_S):
        yield client
    await runner.cleanup()


async def connect(
    http: aiohttp.ClientSession, **query: str
) -> tuple[aiohttp.ClientWebSocketResponse, dict[str, Any]]:
    """The socket, and the session that it is greeted with."""
    socket = await http.ws_connect("/v1/realtime", params=query or {"model": "m"})
    created = await socket.receive_json()
    assert created["type"] == "session.created"
    return socket, created["session"]


async def answered(socket: aiohttp.ClientWebSocketResponse) -> None:
    await socket.send_json({"type": "input_audio_buffer.clear"})
    while (await socket.receive_json())["type"] != "input_audio_buffer.cleared":
        pass


def vanish(socket: aiohttp.ClientWebSocketResponse) -> None:
    connection = socket._response.connection
    assert connection is not None
    assert connection.transport is not None
    connection.transport.abort()


async def test_a_client_that_comes_again_and_again_is_one_session(
    worker: Worker, http: aiohttp.ClientSession
) -> None:
    socket, session = await connect(http)
    tasks = len(asyncio.all_tasks())
    for number in range(200):
        if number % 2:
            vanish(socket)
        socket, resumed = await connect(http, resume=session["resume"]["token"])
        assert resumed["id"] == session["id"]
    await answered(socket)
    while len(asyncio.all_tasks()) > tasks:
        await asyncio.sleep(0.01)
    assert len(worker.inference.opened) == 1
    assert len(worker.calls) == len(worker.resumption.live.open) == 1
    assert worker.counters.open.total() == 1
    await socket.close()
    while len(worker.calls):
        await asyncio.sleep(0.01)
    assert not worker.resumption.live.open
    assert worker.counters.closed == {CloseReason.CLIENT_HANGUP: 1}


async def test_of_two_with_one_token_the_later_goes_on(
    worker: Worker, http: aiohttp.ClientSession
) -> None:
    first, session = await connect(http)
    second, _ = await connect(http, resume=session["resume"]["token"])
    while (await first.receive()).type is aiohttp.WSMsgType.TEXT:
        pass
    assert first.close_code == 1000
    await answered(second)


async def test_a_client_that_leaves_before_the_engine_has_answered_may_come_again(
    worker: Worker, http: aiohttp.ClientSession
) -> None:
    snapshot = Snapshot(session=Raw(msgspec.json.encode(RealtimeSession(id="sess_1"))))
    worker.resumption.live.put_back("sess_1", TakenUp(snapshot))
    query = {"resume": worker.token("sess_1")}
    worker.inference.answer = None
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await connect(http, **query)
    while len(worker.calls):
        await asyncio.sleep(0.01)
    worker.inference.answer = READY
    _, session = await connect(http, **query)
    assert session["id"] == "sess_1"


async def test_of_two_that_race_for_a_lost_session_one_goes_on(
    worker: Worker, http: aiohttp.ClientSession
) -> None:
    snapshot = Snapshot(session=Raw(msgspec.json.encode(RealtimeSession(id="sess_1"))))
    worker.resumption.live.put_back("sess_1", TakenUp(snapshot))
    query = {"resume": worker.token("sess_1")}
    results = await asyncio.gather(
        *(connect(http, **query) for _ in range(5)), return_exceptions=True
    )
    assert any(not isinstance(result, BaseException) for result in results)
    while len(worker.calls) > 1:
        await asyncio.sleep(0.01)
    assert len(worker.resumption.live.open) == 1
