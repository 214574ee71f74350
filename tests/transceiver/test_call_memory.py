"""What calls leave behind in memory: nothing, and for the collector no work while they last."""

import asyncio
import gc
import logging
import weakref
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from antiphon_proto import trunk
from tests.transceiver.call_table_driver import CLIENT, Client, Worker
from transceiver.call import Call
from transceiver.call_audio import CallAudio
from transceiver.conversation import Conversation
from transceiver.data_channel import DataChannel
from transceiver.dtls import DtlsCertificate, DtlsEndpoint
from transceiver.ice import IceAgent
from transceiver.media_transport import MediaTransport
from transceiver.srtp import SrtpReceiver, SrtpSender

PARTS = (
    *(Call, CallAudio, Conversation, DataChannel, DtlsEndpoint, IceAgent, MediaTransport),
    *(SrtpReceiver, SrtpSender),
)
THEIRS = DtlsCertificate()
FRAME_S = 0.02
SETTLED_AFTER, CALLS = 300, 1000
AT_ONCE = 20
GROWTH_KB = 2048
"""3 kB a call, where one that stays takes a hundred: what the allocator may do."""


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
async def worker() -> AsyncIterator[Worker]:
    worker = Worker(max_calls=AT_ONCE)
    yield worker
    worker.calls.close_all()


def talk(client: Client, packets: int) -> None:
    """In both directions at once."""
    worker = client.worker
    call, _session = worker.inference.opened[-1]
    for _ in range(packets):
        worker.receive(client.media())
        call.engine_audio(trunk.UNSOLICITED, 0, bytes(960))
        worker.tick(FRAME_S)
        client.deliver({CLIENT})
    client.heard.clear()


async def test_packets_make_no_cyclic_garbage(worker: Worker, no_collector: None) -> None:
    client = Client(worker)
    await client.connect()
    talk(client, 50)
    gc.collect()
    talk(client, 100)
    assert gc.collect() == 0
    assert worker.counters.closed == {}


async def test_a_call_that_ended_is_free_without_the_collector(
    worker: Worker, no_collector: None
) -> None:
    client = Client(worker)
    await client.connect()
    talk(client, 10)
    call, _session = worker.inference.opened.pop()
    parts = [weakref.ref(call), *map(weakref.ref, (call.transport, call._conversation))]
    del call
    worker.calls.close_all()
    assert [part() for part in parts] == [None, None, None]


def alive() -> list[object]:
    return [each for each in gc.get_objects() if isinstance(each, PARTS)]


def resident_kb() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon:"))


async def come_and_go(worker: Worker, calls: int) -> None:
    """So many calls, several at once, each with a client that connects and speaks."""
    for _ in range(calls // AT_ONCE):
        clients = [Client(worker, ssrc=1 + each, certificate=THEIRS) for each in range(AT_ONCE)]
        for index, client in enumerate(clients):
            address = ("192.0.2.7", 1024 + index)
            await client.connect(address)
            worker.receive(client.media(), address)
        worker.tick(FRAME_S)
        worker.take_sent()
        worker.calls.close_all()
        worker.take_sent()
        worker.announcer.changes()
        worker.announcer.due(worker.now)
        worker.inference.opened.clear()
        await asyncio.sleep(0)


async def test_memory_is_flat_after_a_thousand_calls(worker: Worker) -> None:
    gc.collect()
    before = len(alive())
    await come_and_go(worker, SETTLED_AFTER)
    gc.collect()
    settled_kb = resident_kb()
    await come_and_go(worker, CALLS - SETTLED_AFTER)
    gc.collect()
    assert len(alive()) == before
    assert resident_kb() - settled_kb < GROWTH_KB
    assert sum(worker.counters.closed.values()) == CALLS
