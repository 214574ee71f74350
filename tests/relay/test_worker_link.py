import asyncio
import multiprocessing
import os
import socket
import threading
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection

import pytest

from relay.flows import FlowSnapshot, FlowState
from relay.table_snapshot import TableSnapshot
from relay.worker_link import (
    BoundFlows,
    CountBound,
    Done,
    Drain,
    Forward,
    Loaded,
    Restore,
    Snapshot,
    WorkerGoneError,
    WorkerLink,
    receive_sockets,
)

FLOW = FlowSnapshot(("192.0.2.1", 1), ("10.0.0.1", 5000), 7, FlowState.BOUND, 20, 0, 0, 0)

StartWorker = Callable[[Callable[[Connection], None]], WorkerLink]


@pytest.fixture
async def start_worker() -> Iterator[StartWorker]:
    """Runs a function as the worker's end, and closes its link after it."""
    threads: list[threading.Thread] = []
    links: list[WorkerLink] = []

    def start(work: Callable[[Connection], None]) -> WorkerLink:
        ours, theirs = multiprocessing.Pipe()

        def run() -> None:
            with theirs:
                work(theirs)

        threads.append(threading.Thread(target=run))
        threads[-1].start()
        links.append(WorkerLink(ours))
        return links[-1]

    yield start
    for link in links:
        link.lost()
    for thread in threads:
        thread.join()


async def test_replies_come_in_the_order_of_the_requests(start_worker: StartWorker) -> None:
    def work(connection: Connection) -> None:
        requests = [connection.recv() for _ in range(3)]
        assert requests == [CountBound(), Drain(), CountBound()]
        for reply in (BoundFlows(1), Done(), BoundFlows(2)):
            connection.send(reply)

    link = start_worker(work)

    answers = await asyncio.gather(
        link.ask(CountBound()), link.order(Drain()), link.ask(CountBound())
    )

    assert answers == [BoundFlows(1), None, BoundFlows(2)]


async def test_who_gave_up_waiting_leaves_the_next_reply_to_the_next(
    start_worker: StartWorker,
) -> None:
    late = threading.Event()

    def work(connection: Connection) -> None:
        connection.recv()
        late.wait()
        connection.send(BoundFlows(1))
        connection.recv()
        connection.send(BoundFlows(2))

    link = start_worker(work)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await link.ask(CountBound())
    late.set()

    assert await link.ask(CountBound()) == BoundFlows(2)


class SlowConnection(Connection):
    """Takes its time over the first message."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(os.dup(connection.fileno()))
        self.begun, self.finish = threading.Event(), threading.Event()

    def send(self, obj: object) -> None:
        if not self.begun.is_set():
            self.begun.set()
            self.finish.wait()
        super().send(obj)


async def test_what_is_being_sent_when_its_sender_gives_up_goes_before_the_next() -> None:
    ours, theirs = multiprocessing.Pipe()
    with ours, theirs, SlowConnection(ours) as slow:
        link = WorkerLink(slow)
        draining = asyncio.create_task(link.order(Drain()))
        await asyncio.to_thread(slow.begun.wait)
        draining.cancel()
        counting = asyncio.create_task(link.ask(CountBound()))
        await asyncio.wait([counting], timeout=0.1)
        slow.finish.set()

        assert [await asyncio.to_thread(theirs.recv) for _ in range(2)] == [Drain(), CountBound()]
        for reply in (Done(), BoundFlows(2)):
            theirs.send(reply)
        assert await counting == BoundFlows(2)
        link.lost()


async def test_sockets_follow_their_order(start_worker: StartWorker) -> None:
    arrived: list[object] = []

    def work(connection: Connection) -> None:
        publics = receive_sockets(connection, connection.recv().publics)
        arrived.extend(each.getsockname() for each in publics)
        for each in publics:
            each.close()
        connection.send(Done())

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        await start_worker(work).order(Forward(2), [bound, bound])
        assert arrived == [bound.getsockname()] * 2


async def test_carries_a_whole_table(start_worker: StartWorker) -> None:
    counts: list[int] = []

    def work(connection: Connection) -> None:
        counts.append(len([*connection.recv().remembered.table.each_flow()]))
        connection.send(Done())

    await start_worker(work).order(Restore(Snapshot(TableSnapshot.of([FLOW] * 50_000, []))))

    assert counts == [50_000]


async def test_is_told_when_the_worker_is_loaded(start_worker: StartWorker) -> None:
    await start_worker(lambda connection: connection.send(Loaded())).loaded()


async def test_a_worker_that_ends_is_noticed_by_whoever_waits(start_worker: StartWorker) -> None:
    link = start_worker(lambda connection: connection.recv())
    loading = asyncio.ensure_future(link.loaded())

    with pytest.raises(WorkerGoneError):
        await link.order(Drain())

    with pytest.raises(WorkerGoneError):
        await loading
    with pytest.raises(WorkerGoneError):
        await link.ask(CountBound())
    assert link.is_lost
