"""The trunk over real gRPC, against a replica whose every word the test chooses."""

import asyncio
from collections.abc import AsyncIterator, Callable

import grpc
import pytest

from antiphon_proto.audio_block import downlink_position, pack_frames, unpack_frames
from antiphon_proto.inference.v1 import inference_pb2 as pb
from antiphon_proto.inference.v1 import inference_pb2_grpc as pb_grpc
from antiphon_proto.trunk import (
    Commit,
    Error,
    Event,
    Item,
    ItemCreate,
    Ready,
    Role,
    SpeechStarted,
    TurnEnded,
)
from chassis.host_port import HostPort
from transceiver import inference_client, trunk_backlog
from transceiver.counters import TrunkCounters
from transceiver.inference_client import EngineSession, InferenceClient
from transceiver.trunk_backlog import TrunkBacklog

PATIENCE_S = 10.0
PCM = b"\1\0\2\0"


class Replica(pb_grpc.InferenceServicer):
    """Holds the trunks that were opened, and what came up on them."""

    def __init__(self) -> None:
        self.trunks: asyncio.Queue[grpc.aio.ServicerContext] = asyncio.Queue()
        self.uplinks: asyncio.Queue[pb.Uplink] = asyncio.Queue()
        self.broken = asyncio.Event()
        self.reads = asyncio.Event()
        self.reads.set()

    async def Trunk(self, messages, context) -> None:  # noqa: N802 - the name of the RPC
        await self.trunks.put(context)
        reading = asyncio.create_task(self._read(messages))
        await self.broken.wait()
        self.broken.clear()
        reading.cancel()

    async def _read(self, messages) -> None:
        await self.reads.wait()
        async for message in messages:
            await self.uplinks.put(message)


class Listener:
    def __init__(self) -> None:
        self.heard: list[object] = []
        self.when_lost: Callable[[], None] = lambda: None
        self.changed = asyncio.Event()

    def engine_audio(self, response: int, offset: int, pcm: bytes) -> None:
        self._note((response, offset, pcm))

    def engine_event(self, event: Event) -> None:
        self._note(event)

    def engine_lost(self) -> None:
        self.when_lost()
        self._note("lost")

    def _note(self, what: object) -> None:
        self.heard.append(what)
        self.changed.set()

    async def wait_for(self, count: int) -> list[object]:
        async with asyncio.timeout(PATIENCE_S):
            while len(self.heard) < count:
                self.changed.clear()
                await self.changed.wait()
        return self.heard


class Trunk:
    """A client that is connected to a replica."""

    def __init__(self, replica: Replica, port: int) -> None:
        self.replica = replica
        self.counters = TrunkCounters()
        self.client = InferenceClient(HostPort("127.0.0.1", port), self.counters)
        self.running = asyncio.create_task(self.client.run())
        self.listener = Listener()

    async def context(self) -> grpc.aio.ServicerContext:
        async with asyncio.timeout(PATIENCE_S):
            return await self.replica.trunks.get()

    async def uplink(self) -> pb.Uplink:
        async with asyncio.timeout(PATIENCE_S):
            return await self.replica.uplinks.get()

    def open(self) -> EngineSession:
        return self.client.open(self.listener)

    async def stall(self) -> None:
        """From the next trunk on, which is open then, the replica reads nothing."""
        await self.context()
        self.replica.reads.clear()
        self.replica.broken.set()
        await self.context()
        await asyncio.wait_for(self.client.wait_connected(), PATIENCE_S)


@pytest.fixture
async def trunk(monkeypatch) -> AsyncIterator[Trunk]:
    monkeypatch.setattr(inference_client, "RECONNECT_S", 0.01)
    replica = Replica()
    server = grpc.aio.server()
    pb_grpc.add_InferenceServicer_to_server(replica, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    trunk = Trunk(replica, port)
    await asyncio.wait_for(trunk.client.wait_connected(), PATIENCE_S)
    yield trunk
    trunk.running.cancel()
    await server.stop(0)


async def test_audio_and_commands_leave_in_their_order(trunk: Trunk) -> None:
    session = trunk.open()
    session.push_audio(0, PCM)
    session.command(Commit("item_1"))
    message = await trunk.uplink()
    [frame] = unpack_frames(message.audio)
    [command] = message.commands
    assert (frame.session, frame.position, frame.pcm) == (command.session, 0, PCM)
    assert (command.after_frames, command.commit.item_id) == (1, "item_1")


async def test_what_gathers_during_a_write_leaves_together(trunk: Trunk) -> None:
    first, second = trunk.open(), trunk.open()
    for position in range(0, 20, 2):
        first.push_audio(position, PCM)
        second.push_audio(position, PCM)
        trunk.client.flush()
    frames, messages = 0, 0
    while frames < 20:
        frames += len(unpack_frames((await trunk.uplink()).audio))
        messages += 1
    assert messages < 20
    assert trunk.counters.frames_sent == 20


async def test_frames_and_events_are_heard_in_the_order_that_the_message_gives(
    trunk: Trunk,
) -> None:
    trunk.open()
    context = await trunk.context()
    frames = [(1, downlink_position(3, 2 * index), PCM) for index in range(3)]
    started = pb.Event(session=1, after_frames=1, speech_started=pb.SpeechStarted(audio_start_ms=5))
    ended = pb.Event(session=1, after_frames=2, turn_ended=pb.TurnEnded(voiced_end_ms=9))
    await context.write(pb.Downlink(audio=pack_frames(frames), events=[started, ended]))
    assert await trunk.listener.wait_for(5) == [
        (3, 0, PCM),
        SpeechStarted(5),
        (3, 2, PCM),
        TurnEnded(9),
        (3, 4, PCM),
    ]


async def test_what_is_not_understood_harms_no_session(trunk: Trunk) -> None:
    trunk.open()
    context = await trunk.context()
    garbage = pb.AudioBlock(headers=b"half a header", samples=b"x")
    strangers = [(77, 0, PCM)]
    await context.write(pb.Downlink(audio=garbage, events=[pb.Event(session=1)]))
    await context.write(pb.Downlink(audio=pack_frames(strangers)))
    await context.write(
        pb.Downlink(events=[pb.Event(session=1, turn_ended=pb.TurnEnded(voiced_end_ms=1))])
    )
    assert await trunk.listener.wait_for(1) == [TurnEnded(1)]


async def test_opening_waits_for_the_replicas_answer(trunk: Trunk) -> None:
    taken, refused = trunk.open(), trunk.open()
    context = await trunk.context()
    full = pb.Error(code="at_capacity", message="full", fatal=True)
    ready = pb.Ready(engine="echo", input_rate=8000, output_rate=8000)
    await context.write(
        pb.Downlink(events=[pb.Event(session=1, ready=ready), pb.Event(session=2, error=full)])
    )
    async with asyncio.timeout(PATIENCE_S):
        assert await taken.opened() == Ready("echo", 8000, 8000, False)
        assert await refused.opened() == Error("at_capacity", "full", True)


async def test_opening_ends_with_the_trunk_and_with_patience(
    trunk: Trunk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inference_client, "OPEN_TIMEOUT_S", 0.01)
    unanswered = await trunk.open().opened()
    assert isinstance(unanswered, Error)
    assert unanswered.code == "engine_timeout"
    lost = trunk.open()
    await trunk.context()
    trunk.replica.broken.set()
    await trunk.listener.wait_for(1)
    answer = await lost.opened()
    assert isinstance(answer, Error)
    assert answer.code == "engine_lost"


async def test_a_closed_session_hears_nothing_more(trunk: Trunk) -> None:
    trunk.open().close("client_hangup")
    message = await trunk.uplink()
    assert message.commands[0].close.reason == "client_hangup"
    context = await trunk.context()
    other = Listener()
    trunk.client.open(other)
    event = pb.TurnEnded(voiced_end_ms=1)
    await context.write(
        pb.Downlink(
            events=[pb.Event(session=1, turn_ended=event), pb.Event(session=2, turn_ended=event)]
        )
    )
    assert await other.wait_for(1) == [TurnEnded(1)]
    assert trunk.listener.heard == []


async def test_a_broken_trunk_is_told_to_its_sessions_and_opened_anew(trunk: Trunk) -> None:
    trunk.open()
    await trunk.context()
    trunk.replica.broken.set()
    assert await trunk.listener.wait_for(1) == ["lost"]
    await trunk.context()
    await asyncio.wait_for(trunk.client.wait_connected(), PATIENCE_S)
    assert trunk.counters.reconnects == 1
    trunk.open().command(Commit("after"))
    assert (await trunk.uplink()).commands[0].commit.item_id == "after"


async def test_what_a_lost_session_still_says_does_not_reach_the_next_trunk(trunk: Trunk) -> None:
    session = trunk.open()
    await trunk.context()
    trunk.listener.when_lost = lambda: session.close("engine_failed")
    trunk.replica.broken.set()
    await trunk.listener.wait_for(1)
    await trunk.context()
    await asyncio.wait_for(trunk.client.wait_connected(), PATIENCE_S)
    trunk.open().command(Commit("after"))
    [command] = (await trunk.uplink()).commands
    assert command.commit.item_id == "after"


async def test_a_writer_that_fails_does_not_leave_a_trunk_that_only_listens(
    trunk: Trunk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect(_backlog: TrunkBacklog) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(TrunkBacklog, "take", defect)
    trunk.open().command(Commit("item_1"))
    with pytest.raises(RuntimeError, match="a defect"):
        await asyncio.wait_for(trunk.running, PATIENCE_S)
    assert not trunk.client.connected


async def test_a_replica_that_stopped_reading_gets_what_is_fresh_when_it_goes_on(
    trunk: Trunk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trunk_backlog, "MAX_FRAMES", 100)
    await trunk.stall()
    session = trunk.open()
    position = 0
    async with asyncio.timeout(PATIENCE_S):
        while trunk.counters.frames_shed < 1000:
            session.push_audio(position, bytes(960))
            trunk.client.flush()
            position += 480
            await asyncio.sleep(0)
    trunk.replica.reads.set()
    positions: list[int] = []
    while not positions or positions[-1] < position - 480:
        positions += [frame.position for frame in unpack_frames((await trunk.uplink()).audio)]
    assert positions == sorted(positions)
    assert positions[-100:] == list(range(position - 48_000, position, 480))
    assert len(positions) == position // 480 - trunk.counters.frames_shed


async def test_a_replica_that_lets_commands_wait_is_lost(
    trunk: Trunk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trunk_backlog, "MAX_BYTES", 100_000)
    await trunk.stall()
    session = trunk.open()
    item = Item("item", Role.USER, "w" * 10_000)
    for _ in range(1000):
        if not trunk.listener.heard:
            session.command(ItemCreate(item))
            await asyncio.sleep(0)
    assert trunk.listener.heard == ["lost"]


@pytest.mark.parametrize("reply", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"", bytes(100)])
async def test_a_stranger_at_the_replicas_address_is_left_alone(
    reply: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inference_client, "RECONNECT_S", 0.01)
    visits = 0

    async def visited(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal visits
        visits += 1
        await reader.read(10)
        writer.write(reply)
        writer.close()

    server = await asyncio.start_server(visited, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = InferenceClient(HostPort("127.0.0.1", port), TrunkCounters())
    running = asyncio.create_task(client.run())
    async with asyncio.timeout(PATIENCE_S):
        while visits < 2:
            await asyncio.sleep(0.01)
    assert not client.connected
    running.cancel()
    server.close()
