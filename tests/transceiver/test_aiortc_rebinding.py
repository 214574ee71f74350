"""A call with aiortc's client behind a NAT that forgets the client's port in mid-call."""

import asyncio
import json
from collections.abc import AsyncIterator

import aiortc
import pytest

from antiphon_proto import stun, trunk
from antiphon_proto.address import Address
from antiphon_proto.demux import PacketKind, packet_kind
from antiphon_proto.stun import StunClass
from antiphon_proto.tunnel_control import UnbindReason
from tests.transceiver.call_table_driver import Worker
from tests.transceiver.test_aiortc_interop import ToneTrack, tone, until

LOOPBACK = "127.0.0.1"


class Side(asyncio.DatagramProtocol):
    """A UDP socket that keeps what arrives for whoever reads `arrived`."""

    transport: asyncio.DatagramTransport

    def __init__(self) -> None:
        self.arrived: asyncio.Queue[tuple[bytes, Address]] = asyncio.Queue()

    @classmethod
    async def bind(cls) -> "Side":
        loop = asyncio.get_running_loop()
        _, side = await loop.create_datagram_endpoint(cls, (LOOPBACK, 0))
        return side

    @property
    def address(self) -> Address:
        address: Address = self.transport.get_extra_info("sockname")
        return address

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport

    def datagram_received(self, data: bytes, source: Address) -> None:
        self.arrived.put_nowait((data, source))


class Nat:
    """One port outside for what the client sends, until it is another.

    Of the client's own addresses it carries the first alone: there is one port.
    """

    def __init__(self, inside: Side, server: Address) -> None:
        self.inside = inside
        self.checks_pass = True
        self._server = server
        self._client: Address | None = None

    async def rebind(self) -> None:
        """The port of before is closed: nothing comes in by it any more."""
        if hasattr(self, "outside"):
            self.outside.transport.close()
        self.outside = await Side.bind()

    async def carry_out(self) -> None:
        while True:
            datagram, source = await self.inside.arrived.get()
            self._client = self._client or source
            if source == self._client and (self.checks_pass or not is_check(datagram)):
                self.outside.transport.sendto(datagram, self._server)

    async def carry_in(self) -> None:
        while True:
            outside = self.outside
            try:
                async with asyncio.timeout(0.05):
                    datagram, _server = await outside.arrived.get()
            except TimeoutError:
                continue
            assert self._client is not None
            self.inside.transport.sendto(datagram, self._client)


def is_check(datagram: bytes) -> bool:
    stuns = packet_kind(datagram) is PacketKind.STUN
    return stuns and stun.parse(datagram).message_class is StunClass.REQUEST


class Server:
    """The call table behind a real socket and a real clock."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self.worker = Worker()
        self.worker.now = asyncio.get_running_loop().time()
        self.played = 0

    async def receive(self) -> None:
        while True:
            datagram, client = await self.side.arrived.get()
            self.worker.now = asyncio.get_running_loop().time()
            self.worker.receive(datagram, client)
            self._flush()

    async def tick(self) -> None:
        while True:
            await asyncio.sleep(0.01)
            self.worker.now = asyncio.get_running_loop().time()
            self.worker.serve()
            self._flush()

    async def speak(self) -> None:
        """The engine says a tone, without end."""
        (listener, _session), *_ = self.worker.inference.opened
        listener.engine_event(trunk.Ready("echo", 24_000, 24_000, True))
        while True:
            listener.engine_audio(trunk.UNSOLICITED, 0, tone(self.played))
            self.played += 1
            await asyncio.sleep(0.02)

    @property
    def selected(self) -> Address | None:
        call, *_ = self.worker.inference.calls
        selected: Address | None = call.transport.path.selected
        return selected

    def _flush(self) -> None:
        for payload, client in self.worker.take_sent():
            self.side.transport.sendto(payload, client)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server(await Side.bind())
    yield server
    server.side.transport.close()


@pytest.fixture
async def nat(server: Server) -> AsyncIterator[Nat]:
    nat = Nat(await Side.bind(), server.side.address)
    await nat.rebind()
    yield nat
    nat.inside.transport.close()
    nat.outside.transport.close()


@pytest.fixture
async def peer() -> AsyncIterator[aiortc.RTCPeerConnection]:
    connection = aiortc.RTCPeerConnection()
    yield connection
    await connection.close()


async def call(peer: aiortc.RTCPeerConnection, server: Server, inside: Address) -> None:
    await peer.setLocalDescription(await peer.createOffer())
    created = await server.worker.call(peer.localDescription.sdp)
    host, port = inside
    answer = created.answer_sdp.replace("203.0.113.1", host).replace("3478", str(port))
    await peer.setRemoteDescription(aiortc.RTCSessionDescription(answer, "answer"))


async def test_media_alone_moves_a_call_and_both_directions_go_on(
    peer: aiortc.RTCPeerConnection, server: Server, nat: Nat
) -> None:
    peer.addTrack(ToneTrack())
    channel = peer.createDataChannel("oai-events")
    events: list[str] = []
    channel.on("message", lambda text: events.append(json.loads(text)["type"]))
    tracks: list[aiortc.MediaStreamTrack] = []
    peer.on("track", tracks.append)

    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(nat.carry_out()), tasks.create_task(nat.carry_in())]
        running += [tasks.create_task(server.receive()), tasks.create_task(server.tick())]
        await call(peer, server, nat.inside.address)
        running.append(tasks.create_task(server.speak()))
        await until(lambda: "session.created" in events and server.worker.counters.frames_in > 20)
        former = nat.outside.address
        assert server.selected == former
        server.worker.announced()

        nat.checks_pass = False
        await nat.rebind()
        await until(lambda: server.selected == nat.outside.address)
        announced = server.worker.announced()
        assert announced[-2:] == [(nat.outside.address, True), (former, UnbindReason.MOVED)]

        heard = server.worker.counters.frames_in
        for _ in range(100):
            await tracks[0].recv()
        channel.send("{}")
        await until(lambda: "error" in events)
        assert server.worker.counters.frames_in > heard + 50
        for task in running:
            task.cancel()
