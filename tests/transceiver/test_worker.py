"""A worker from its start to its end, with a replica that is not there."""

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest

from antiphon_proto.address import Address
from antiphon_proto.cluster_keys import ClusterKeys
from chassis.host_port import HostPort
from tests.transceiver.strange_relay import StrangeRelay
from transceiver.call_table import CallTable
from transceiver.config import TransceiverConfig
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
    inference=HostPort("127.0.0.1", 1),
    cluster_keys="",
    api_keys="",
)


@pytest.fixture
def lives() -> Iterator[WorkerLives]:
    lives = WorkerLives(KEYS, 0)
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
    return Worker(CONFIG, ApiKeys(["sk-test"]), sockets, 0, life)


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


async def test_a_worker_does_not_outlive_its_clock(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect(_calls: CallTable, _now: float) -> tuple[float, int]:
        raise RuntimeError("a defect")

    monkeypatch.setattr(CallTable, "serve", defect)
    with pytest.raises(ExceptionGroup, match="unhandled") as ended:
        async with asyncio.timeout(PATIENCE_S):
            await worker.serve(started=lambda: None)
    assert ended.group_contains(RuntimeError, match="a defect")
