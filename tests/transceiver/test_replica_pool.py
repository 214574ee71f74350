"""Trunks to replicas that come, go, drain and die, over real gRPC."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterable

import grpc
import pytest

from antiphon_proto.inference.v1 import inference_pb2 as pb
from antiphon_proto.inference.v1 import inference_pb2_grpc as pb_grpc
from antiphon_proto.trunk import Event
from chassis.host_port import HostPort
from transceiver import inference_client, replica_pool
from transceiver.counters import TrunkCounters
from transceiver.replica_addresses import ReplicaAddresses
from transceiver.replica_directory import ReplicaState
from transceiver.replica_pool import ReplicaPool, resolved

PATIENCE_S = 10.0
NAME = HostPort("inference.test", 50051)


class Replica(pb_grpc.InferenceServicer):
    """Tells of itself what a test wants."""

    def __init__(self) -> None:
        self.reports: asyncio.Queue[pb.Description] = asyncio.Queue()
        self.reports.put_nowait(pb.Description(capacity=4))
        self.server = grpc.aio.server()
        pb_grpc.add_InferenceServicer_to_server(self, self.server)
        self.address = HostPort("127.0.0.1", self.server.add_insecure_port("127.0.0.1:0"))

    async def Trunk(self, _messages, context) -> None:  # noqa: N802 - the name of the RPC
        while True:
            await context.write(pb.Downlink(replica=await self.reports.get()))


class Listener:
    def __init__(self) -> None:
        self.lost = asyncio.Event()

    def engine_audio(self, response: int, offset: int, pcm: bytes) -> None: ...

    def engine_event(self, event: Event) -> None: ...

    def engine_lost(self) -> None:
        self.lost.set()


class Names:
    """A DNS that a test writes."""

    def __init__(self) -> None:
        self.found: Iterable[HostPort] | None = None
        self.error: Exception = OSError("no such name")

    async def __call__(self, name: HostPort) -> Iterable[HostPort]:
        assert name == NAME
        if self.found is None:
            raise self.error
        return self.found


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.fixture
async def replicas() -> AsyncIterator[list[Replica]]:
    replicas = [Replica(), Replica()]
    for replica in replicas:
        await replica.server.start()
    yield replicas
    for replica in replicas:
        await replica.server.stop(0)


@pytest.fixture
def names() -> Names:
    return Names()


@pytest.fixture
async def pool(
    request: pytest.FixtureRequest,
    replicas: list[Replica],
    names: Names,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[ReplicaPool]:
    monkeypatch.setattr(inference_client, "RECONNECT_S", 0.01)
    monkeypatch.setattr(replica_pool, "RESOLVE_S", 0.01)
    listed = tuple(each.address for each in replicas)
    named = getattr(request, "param", "listed") == "named"
    pool = ReplicaPool(
        ReplicaAddresses(names=(NAME,)) if named else ReplicaAddresses(listed),
        TrunkCounters(),
        random=random.Random(3).random,
        resolve=names,
    )
    running = asyncio.create_task(pool.run())
    yield pool
    running.cancel()


def placed(pool: ReplicaPool) -> set[HostPort]:
    """Where some sessions go, which end at once."""
    sessions = [pool.open(Listener()) for _ in range(20)]
    for session in sessions:
        if session is not None:
            session.close("test")
    return {session.replica for session in sessions if session is not None}


async def test_sessions_go_to_all_replicas_that_take_them(
    pool: ReplicaPool, replicas: list[Replica]
) -> None:
    assert pool.open(Listener()) is None
    await asyncio.wait_for(pool.wait_connected(), PATIENCE_S)
    first, second = (replica.address for replica in replicas)
    await until(lambda: placed(pool) == {first, second})

    replicas[0].reports.put_nowait(pb.Description(capacity=4, draining=True))
    await until(lambda: pool.draining(first))
    assert placed(pool) == {second}
    assert pool.connected

    replicas[1].reports.put_nowait(pb.Description(capacity=4, draining=True))
    await until(lambda: not pool.connected)
    assert pool.open(Listener()) is None


async def test_a_replica_that_dies_tells_its_sessions_and_no_others(
    pool: ReplicaPool, replicas: list[Replica]
) -> None:
    await until(lambda: pool.directory.states(0)[ReplicaState.READY] == 2)
    listeners = {each.address: Listener() for each in replicas}
    for address, listener in listeners.items():
        [other] = [each for each in listeners if each != address]
        assert pool.open(listener, but={other}) is not None
    await replicas[0].server.stop(0)
    await asyncio.wait_for(listeners[replicas[0].address].lost.wait(), PATIENCE_S)
    assert placed(pool) == {replicas[1].address}
    assert not listeners[replicas[1].address].lost.is_set()


@pytest.mark.parametrize("pool", ["named"], indirect=True)
async def test_replicas_come_and_go_with_the_addresses_of_a_name(
    pool: ReplicaPool, replicas: list[Replica], names: Names
) -> None:
    first, second = (replica.address for replica in replicas)
    await asyncio.sleep(0.05)
    assert not pool.connected
    names.found = [first]
    await until(lambda: placed(pool) == {first})
    names.found = [first, second]
    await until(lambda: placed(pool) == {first, second})

    listener = Listener()
    session = pool.open(listener, but={second})
    assert session is not None
    names.found = [second]
    await until(lambda: placed(pool) == {second})
    await asyncio.sleep(0.05)
    assert not listener.lost.is_set()
    assert len(pool.directory) == 2
    session.close("handed_off")
    await until(lambda: len(pool.directory) == 1)


@pytest.mark.parametrize("pool", ["named"], indirect=True)
async def test_without_an_answer_of_the_dns_the_replicas_stay(
    pool: ReplicaPool, replicas: list[Replica], names: Names
) -> None:
    names.found = [replicas[0].address]
    await until(lambda: pool.connected)
    for silence, error in ((None, OSError()), (None, UnicodeError()), ([], OSError())):
        names.found, names.error = silence, error
        await asyncio.sleep(0.05)
        assert placed(pool) == {replicas[0].address}
    names.found = [replicas[1].address]
    await until(lambda: placed(pool) == {replicas[1].address})


async def test_names_are_resolved_with_the_ports_of_the_setting() -> None:
    assert HostPort("127.0.0.1", 7) in await resolved(HostPort("localhost", 7))
