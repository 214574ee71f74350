"""A worker from its start to its end, with a replica that is not there."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Collection, Iterator

import aiohttp
import pytest

from antiphon_proto.address import Address
from antiphon_proto.cluster_keys import ClusterKeys
from chassis.bound_socket import bound_address
from chassis.host_port import HostPort
from tests.transceiver.call_table_driver import OFFER, Inference, Session
from tests.transceiver.strange_relay import StrangeRelay
from transceiver.call_table import CallTable
from transceiver.config import TransceiverConfig
from transceiver.engine_leg import EngineListener
from transceiver.replica_addresses import ReplicaAddresses
from transceiver.replica_directory import ReplicaDirectory
from transceiver.signaling.api_keys import ApiKeys
from transceiver.sockets import TransceiverSockets, open_sockets
from transceiver.worker import Worker
from transceiver.worker_lives import WorkerLives

KEYS = ClusterKeys.parse(ClusterKeys.generate(bytes(range(32))))
ANY_PORT = HostPort("127.0.0.1", 0)
PATIENCE_S = 10.0
CONFIG = TransceiverConfig(
    http=ANY_PORT,
    admin=ANY_PORT,
    advertise=HostPort("203.0.113.1", 3478),
    inference=ReplicaAddresses.parse("127.0.0.1:1"),
    cluster_keys="",
    api_keys="",
)


@pytest.fixture
def lives() -> Iterator[WorkerLives]:
    lives = WorkerLives(KEYS, ApiKeys(["sk-test"]), 0)
    yield lives
    lives.close()


@pytest.fixture
def sockets() -> TransceiverSockets:
    return open_sockets(CONFIG)


@pytest.fixture
def tunnel(sockets: TransceiverSockets) -> Address:
    host, port = sockets.tunnels[0].getsockname()
    return host, port


@pytest.fixture
def worker(lives: WorkerLives, sockets: TransceiverSockets) -> Worker:
    (life,) = lives.arguments(0)
    return Worker(CONFIG, sockets, 0, life)


async def test_a_worker_that_waits_for_its_replica_ends_when_asked(worker: Worker) -> None:
    loop = asyncio.get_running_loop()
    loop.call_later(0.2, os.kill, os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(PATIENCE_S):
        await worker.serve(started=lambda: None)


async def test_a_worker_uses_the_keys_that_its_parent_sends(
    worker: Worker, lives: WorkerLives, tunnel: Address
) -> None:
    others = ClusterKeys.parse(ClusterKeys.generate(bytes(range(1, 33))))
    relay = StrangeRelay(others)
    serving = asyncio.create_task(worker.serve(started=lambda: None))
    async with asyncio.timeout(PATIENCE_S):
        lives.use_keys(others)
        while not relay.was_greeted_by(tunnel):
            await asyncio.sleep(0.02)
    os.kill(os.getpid(), signal.SIGTERM)
    await serving
    relay.close()


async def test_a_worker_accepts_the_api_keys_that_its_parent_sends(
    worker: Worker, lives: WorkerLives, sockets: TransceiverSockets
) -> None:
    serving = asyncio.create_task(worker.serve(started=lambda: None))
    url = f"http://{bound_address(sockets.http)}/v1/models"
    lives.accept_keys(ApiKeys(["sk-new requests-per-minute=7"]))
    async with asyncio.timeout(PATIENCE_S), aiohttp.ClientSession() as http:
        status = 0
        while status != 200:
            await asyncio.sleep(0.01)
            with contextlib.suppress(aiohttp.ClientConnectorError):
                response = await http.get(url, headers={"Authorization": "Bearer sk-new"})
                status = response.status
        old = await http.get(url, headers={"Authorization": "Bearer sk-test"})
    assert response.headers["x-ratelimit-limit-requests"] == "7"
    assert old.status == 401
    os.kill(os.getpid(), signal.SIGTERM)
    await serving


async def test_a_worker_without_calls_ends_when_it_is_to_drain(
    worker: Worker, lives: WorkerLives
) -> None:
    lives.drain(60)
    async with asyncio.timeout(PATIENCE_S):
        await worker.serve(started=lambda: None)


async def test_a_worker_does_not_outlive_its_clock(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect(_calls: CallTable, _now: float) -> tuple[float, int]:
        raise RuntimeError("a defect")

    monkeypatch.setattr(CallTable, "due_at", 0.0)
    monkeypatch.setattr(CallTable, "serve", defect)
    with pytest.raises(ExceptionGroup, match="unhandled") as ended:
        async with asyncio.timeout(PATIENCE_S):
            await worker.serve(started=lambda: None)
    assert ended.group_contains(RuntimeError, match="a defect")


class SilentReplica(Inference):
    """It is there, and answers no Open."""

    def __init__(self, *_args: object) -> None:
        super().__init__()
        self.answer = None
        self.asked = asyncio.Event()
        self.directory = ReplicaDirectory(lambda: 0.0)

    async def run(self) -> None:
        await asyncio.Event().wait()

    async def wait_connected(self) -> None: ...

    def flush(self) -> None: ...

    def note_arrival(self, arrived_at: float) -> None: ...

    def open(self, listener: EngineListener, but: Collection[HostPort] = ()) -> Session:
        self.asked.set()
        return super().open(listener)


async def test_a_client_that_leaves_before_the_answer_leaves_no_call(
    worker: Worker, sockets: TransceiverSockets, monkeypatch: pytest.MonkeyPatch
) -> None:
    replica = SilentReplica()
    monkeypatch.setattr("transceiver.worker.ReplicaPool", lambda *_args, **_named: replica)
    serving = asyncio.create_task(worker.serve(started=lambda: None))
    url = f"http://{bound_address(sockets.http)}/v1/realtime/calls"
    headers = {"Authorization": "Bearer sk-test", "Content-Type": "application/sdp"}
    async with asyncio.timeout(PATIENCE_S), aiohttp.ClientSession() as http:
        posting = asyncio.create_task(http.post(url, data=OFFER, headers=headers))
        await replica.asked.wait()
        posting.cancel()
        [(_call, session)] = replica.opened
        while session.closed is None:
            await asyncio.sleep(0.01)
    assert session.closed == "cancelled"
    os.kill(os.getpid(), signal.SIGTERM)
    await serving
