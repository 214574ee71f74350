"""What calls leave behind in memory: nothing, and for the collector no work while they last."""

import gc
import json
import logging
import subprocess
import sys
import weakref
from collections.abc import AsyncIterator, Iterator

import pytest

from antiphon_proto import trunk
from tests.transceiver.call_table_driver import CLIENT, Client, Worker
from tests.transceiver.call_turnover import CALLS

FRAME_S = 0.02
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
    worker = Worker()
    yield worker
    worker.calls.close_all()


def talk(client: Client, packets: int) -> None:
    """In both directions at once."""
    worker = client.worker
    call = worker.inference.calls[-1]
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
    call = worker.inference.calls[-1]
    worker.inference.opened.clear()
    parts = [weakref.ref(call), *map(weakref.ref, (call.transport, call._conversation))]
    del call
    worker.calls.close_all()
    assert [part() for part in parts] == [None, None, None]


def test_memory_is_flat_after_a_thousand_calls() -> None:
    command = [sys.executable, "-m", "tests.transceiver.call_turnover"]
    left = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    assert left["ended"] == CALLS
    assert left["objects"] == 0
    assert left["growth_kb"] < GROWTH_KB
