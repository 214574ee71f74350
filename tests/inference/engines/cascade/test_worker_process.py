"""A worker process from its parent's side, with a worker that misbehaves on request."""

import asyncio
from collections.abc import AsyncIterator

import psutil
import pytest
import pytest_asyncio

from inference.engines.cascade.counters import CascadeCounters, WorkerKind
from inference.engines.cascade.worker_messages import Kind, WorkerMessage
from inference.engines.cascade.worker_process import (
    MAX_UNSENT_BYTES,
    WorkerLostError,
    WorkerProcess,
)

MODULE = "tests.inference.engines.cascade.fake_worker"


class WorkerUnderTest:
    def __init__(self, *arguments: str) -> None:
        self.messages: asyncio.Queue[WorkerMessage] = asyncio.Queue()
        self.lost = asyncio.Event()
        self.counters = CascadeCounters()
        self.process = WorkerProcess(
            WorkerKind.RECOGNISER,
            MODULE,
            arguments,
            self.counters,
            on_message=self.messages.put_nowait,
            on_lost=self.lost.set,
        )

    def ask(self, payload: bytes) -> None:
        self.process.send(WorkerMessage(Kind.AUDIO, 1, 2, payload))

    def flood(self, size: int) -> None:
        for _ in range(0, size, 500_000):
            self.ask(bytes(500_000))

    async def answer(self) -> bytes:
        async with asyncio.timeout(5):
            return (await self.messages.get()).payload

    async def recovered(self) -> None:
        async with asyncio.timeout(10):
            await self.lost.wait()
            while not self.process.ready:
                await asyncio.sleep(0.02)


@pytest_asyncio.fixture
async def worker() -> AsyncIterator[WorkerUnderTest]:
    worker = WorkerUnderTest()
    await worker.process.start()
    yield worker
    await worker.process.close()


async def test_messages_go_there_and_back(worker: WorkerUnderTest) -> None:
    worker.ask(b"hello")
    assert await worker.answer() == b"hello"


@pytest.mark.parametrize("end", [b"die", b"garbage"])
async def test_a_worker_that_ends_is_replaced(worker: WorkerUnderTest, end: bytes) -> None:
    worker.ask(end)
    await worker.recovered()
    worker.ask(b"again")

    assert await worker.answer() == b"again"
    assert worker.counters.restarts[WorkerKind.RECOGNISER] == 1


async def test_a_stuck_worker_is_killed_when_too_much_waits(worker: WorkerUnderTest) -> None:
    worker.ask(b"hang")
    with pytest.raises(WorkerLostError, match="stuck"):
        worker.flood(2 * MAX_UNSENT_BYTES)
    await worker.recovered()


async def test_nothing_can_be_sent_while_there_is_no_worker(worker: WorkerUnderTest) -> None:
    worker.process.kill()
    with pytest.raises(WorkerLostError, match="not running"):
        worker.ask(b"hello")
    await worker.recovered()


async def test_close_ends_the_worker(worker: WorkerUnderTest) -> None:
    process_id = worker.process.process_id
    await worker.process.close()

    assert process_id is not None
    assert not psutil.pid_exists(process_id)
    assert worker.counters.restarts[WorkerKind.RECOGNISER] == 0


async def test_close_ends_a_stuck_worker(worker: WorkerUnderTest) -> None:
    process_id = worker.process.process_id
    worker.ask(b"hang")
    await worker.process.close()

    assert process_id is not None
    assert not psutil.pid_exists(process_id)


async def test_a_worker_that_cannot_start() -> None:
    worker = WorkerUnderTest("refuse")
    with pytest.raises(OSError, match="did not start"):
        await worker.process.start()


async def test_a_worker_that_says_why_it_cannot_start() -> None:
    worker = WorkerUnderTest("explain")
    with pytest.raises(OSError, match=r"did not start: there is no model$"):
        await worker.process.start()


async def test_a_worker_is_replaced_once_the_machine_can_start_one(
    worker: WorkerUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [OSError("too many open files")]
    start = asyncio.create_subprocess_exec

    async def start_later(*command: str, **options: int) -> asyncio.subprocess.Process:
        if failures:
            raise failures.pop()
        return await start(*command, **options)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", start_later)
    worker.ask(b"die")
    await worker.recovered()
    worker.ask(b"again")

    assert await worker.answer() == b"again"
    assert failures == []
