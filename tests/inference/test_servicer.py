"""The trunk over a real gRPC connection."""

import asyncio
from collections.abc import AsyncIterator, Callable

import grpc
import pytest
import pytest_asyncio

from antiphon_proto.audio_block import AudioFrame, downlink_position, pack_frames, unpack_frames
from antiphon_proto.inference.v1 import inference_pb2 as pb
from antiphon_proto.inference.v1 import inference_pb2_grpc as pb_grpc
from antiphon_proto.trunk import Done, DoneStatus, SpeechStarted, TextDelta
from chassis.host_port import HostPort
from inference.admission import Admission
from inference.engine_output import Audio, EngineOutput
from inference.engines.echo import EchoEngine
from inference.server import serve_trunks
from inference.servicer import InferenceServicer
from inference.trunk import Trunk
from inference.trunk_counters import TrunkCounters
from tests.inference.scripted_engine import ScriptedEngine
from tests.inference.test_trunk import open_command

TIMEOUT_S = 5.0
PCM = b"\x01\x02" * 480
CLIENT_OPTIONS = [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 8192)]


class Client:
    """A transceiver's end of a trunk."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.stub = pb_grpc.InferenceStub(channel)
        self.trunk = self.stub.Trunk()
        self.events: list[pb.Event] = []
        self.replicas: list[pb.Description] = []
        self.frames: list[AudioFrame] = []

    async def send(
        self, *commands: pb.Command, frames: tuple[tuple[int, int, bytes], ...] = ()
    ) -> None:
        await self.trunk.write(pb.Uplink(audio=pack_frames(frames), commands=commands))

    async def read(self) -> pb.Downlink:
        """The next message that says something of sessions."""
        while True:
            message = await self._read()
            if message.events or message.audio.headers:
                return message

    async def _read(self) -> pb.Downlink:
        message = await self.trunk.read()
        assert message is not grpc.aio.EOF
        self.events += message.events
        if message.HasField("replica"):
            self.replicas.append(message.replica)
        self.frames += unpack_frames(message.audio)
        return message

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(TIMEOUT_S):
            while not condition():
                await self._read()

    def kinds(self) -> list[str | None]:
        return [event.WhichOneof("kind") for event in self.events]

    def audio_ms(self) -> int:
        return sum(len(frame.pcm) for frame in self.frames) // 48


class Replica:
    """A served trunk with its engines in reach."""

    def __init__(self) -> None:
        self.engine = ScriptedEngine()
        self.admission = Admission(4)
        self.counters = TrunkCounters()
        self.servicer = InferenceServicer(
            [self.engine, EchoEngine()], self.admission, self.counters, lambda done: None
        )


@pytest_asyncio.fixture
async def replica() -> Replica:
    return Replica()


@pytest_asyncio.fixture
async def channel(replica: Replica) -> AsyncIterator[grpc.aio.Channel]:
    server, address = await serve_trunks(HostPort("127.0.0.1", 0), replica.servicer)
    async with grpc.aio.insecure_channel(str(address), options=CLIENT_OPTIONS) as channel:
        yield channel
    await server.stop(0)


@pytest_asyncio.fixture
async def client(channel: grpc.aio.Channel) -> Client:
    return Client(channel)


async def test_describe(replica: Replica, client: Client) -> None:
    await client.send(open_command())
    await client.read()

    description = await client.stub.Describe(pb.DescribeRequest())
    assert description == pb.Description(engines=["scripted", "echo"], capacity=4, sessions=1)


async def test_the_replicas_state_is_told_at_first_and_when_it_changes(
    replica: Replica, client: Client
) -> None:
    await client.send()
    await client.until(lambda: client.replicas)
    await client.send(open_command(1), open_command(2))
    await client.until(lambda: client.replicas[-1].sessions == 2)
    replica.servicer.drain(500)
    await client.until(lambda: client.replicas[-1].draining)

    assert (client.replicas[0].capacity, client.replicas[0].sessions) == (4, 0)


async def test_echo_comes_back(client: Client) -> None:
    await client.send(open_command(model="echo"))
    for index in range(20):
        await client.send(frames=((1, 480 * index, PCM),))
        await client.until(lambda sent_ms=20 * (index + 1): client.audio_ms() == sent_ms)

    assert [frame.position for frame in client.frames] == [
        downlink_position(0, 480 * index) for index in range(20)
    ]
    assert b"".join(frame.pcm for frame in client.frames) == PCM * 20


async def test_sessions_share_messages(replica: Replica, client: Client) -> None:
    numbers = range(1, 5)
    await client.send(*(open_command(number, model="echo") for number in numbers))
    await client.read()
    await client.send(frames=tuple((number, 0, PCM) for number in numbers))
    message = await client.read()

    assert [frame.session for frame in unpack_frames(message.audio)] == list(numbers)


async def test_little_is_on_the_wire_when_an_answer_is_cancelled(
    replica: Replica, client: Client
) -> None:
    await client.send(
        open_command(output_credit_ms=200), pb.Command(session=1, respond=pb.Respond(response=1))
    )
    await client.read()
    session = replica.engine.sessions[0]
    for _ in range(500):
        session.emit(Audio(1, bytes(960)))
    await client.until(lambda: client.audio_ms() == 200)

    def emit_done(response: int, played_ms: int) -> None:
        session.emit(Done(response, DoneStatus.CANCELLED))

    session.cancel = emit_done  # type: ignore[method-assign]
    await client.send(pb.Command(session=1, cancel=pb.Cancel(response=1, played_ms=100)))
    await client.until(lambda: "done" in client.kinds())

    assert client.audio_ms() == 200
    assert replica.counters.audio_out_bytes == 200 * 48


async def test_a_client_that_never_reads_costs_itself_only(
    replica: Replica, channel: grpc.aio.Channel
) -> None:
    stalled, other = Client(channel), Client(channel)
    await stalled.send(open_command(output_credit_ms=60_000_000))
    await other.send(open_command(model="echo"))
    await other.read()
    while not replica.engine.sessions:
        await asyncio.sleep(0.01)
    await stalled.send(pb.Command(session=1, respond=pb.Respond(response=1)))
    session = replica.engine.sessions[0]
    while not session.asked:
        await asyncio.sleep(0.01)
    async with asyncio.timeout(TIMEOUT_S):
        while session.asked[-1][0] != "close":
            session.emit(Audio(1, bytes(480_000)))
            await stalled.send(frames=((1, 0, PCM),))
            await asyncio.sleep(0)

    assert session.asked[-1] == ("close", "slow_consumer")
    await other.send(frames=((1, 0, PCM),))
    await other.until(lambda: other.audio_ms() == 20)


async def test_sessions_end_with_their_trunk(replica: Replica, client: Client) -> None:
    await client.send(open_command(1), open_command(2))
    await client.read()
    client.trunk.cancel()
    async with asyncio.timeout(TIMEOUT_S):
        while replica.admission.sessions:
            await asyncio.sleep(0.01)

    assert [session.asked for session in replica.engine.sessions] == [
        [("close", "trunk_closed")]
    ] * 2


async def test_draining(replica: Replica, client: Client) -> None:
    await client.send(open_command(1))
    await client.read()
    replica.servicer.drain(500)
    await client.until(lambda: "draining" in client.kinds())
    await client.send(open_command(2))
    await client.until(lambda: "error" in client.kinds())

    assert client.events[-1].error == pb.Error(
        code="draining", message="this replica is about to stop", fatal=True
    )
    assert (await client.stub.Describe(pb.DescribeRequest())).draining


async def test_an_address_that_is_taken() -> None:
    server, address = await serve_trunks(HostPort("127.0.0.1", 0), Replica().servicer)
    with pytest.raises(OSError, match="cannot bind"):
        await serve_trunks(address, Replica().servicer)
    await server.stop(0)


@pytest.mark.parametrize(
    "output",
    [
        pytest.param(TextDelta(1, "half a pair: \ud83d"), id="text"),
        pytest.param(SpeechStarted(1 << 32), id="time"),
    ],
)
async def test_an_event_that_cannot_be_encoded_costs_its_session_only(
    replica: Replica, client: Client, output: EngineOutput
) -> None:
    await client.send(
        open_command(1), open_command(2), pb.Command(session=1, respond=pb.Respond(response=1))
    )
    await client.until(lambda: client.kinds() == ["ready", "ready"])
    failing, other = replica.engine.sessions
    failing.emit(output)
    await client.until(lambda: "error" in client.kinds())
    other.emit(SpeechStarted(1))
    await client.until(lambda: "speech_started" in client.kinds())

    assert (client.events[-2].session, client.events[-2].error.code) == (1, "engine_failed")
    assert client.events[-2].error.fatal
    assert failing.asked[-1] == ("close", "engine_failed")


async def test_a_trunk_ends_when_its_writer_fails(
    replica: Replica, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    await client.send(open_command())
    await client.read()

    def fail(trunk: Trunk) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Trunk, "next_downlink", fail)
    replica.engine.sessions[0].emit(SpeechStarted(1))
    with pytest.raises(grpc.aio.AioRpcError):
        async with asyncio.timeout(TIMEOUT_S):
            await client.trunk.read()

    assert replica.admission.sessions == 0
