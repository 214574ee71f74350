"""The worker's one socket, against relays on real sockets."""

import asyncio
import socket
from collections.abc import Iterator

import pytest

from antiphon_proto.address import Address
from antiphon_proto.cluster_keys import ClusterKeys
from antiphon_proto.tunnel import Frame, FrameType, TunnelFault, TunnelReceiver, TunnelSender
from transceiver.counters import TunnelCounters
from transceiver.tunnel_endpoint import TunnelEndpoint

KEYS = ClusterKeys.parse(ClusterKeys.generate(bytes(range(32))))
CLIENT: Address = ("192.0.2.7", 4321)
PATIENCE_S = 10.0


def udp_socket() -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bound.bind(("127.0.0.1", 0))
    return bound


@pytest.fixture
def relay() -> Iterator[socket.socket]:
    with udp_socket() as bound:
        bound.settimeout(PATIENCE_S)
        yield bound


class Worker:
    """An endpoint whose batches can be awaited."""

    def __init__(self) -> None:
        self.counters = TunnelCounters()
        bound = udp_socket()
        bound.setblocking(False)
        self.endpoint = TunnelEndpoint(bound, KEYS, 99, self.counters)
        self.received: list[tuple[bytes, Address, Address]] = []
        self.batches = asyncio.Queue[int]()
        self.endpoint.start(self._on_datagram, lambda: self.batches.put_nowait(len(self.received)))

    def _on_datagram(self, payload: bytes, client: Address, relay: Address, _now: float) -> None:
        self.received.append((payload, client, relay))

    async def batch(self) -> None:
        await asyncio.wait_for(self.batches.get(), PATIENCE_S)


async def test_a_clients_datagram_comes_with_its_address_and_its_relay(
    relay: socket.socket,
) -> None:
    worker = Worker()
    sender = TunnelSender(KEYS, 5, worker.endpoint.address)
    frames = [Frame(FrameType.DATA, CLIENT, payload) for payload in (b"one", b"two")]
    relay.sendto(sender.encode(frames), worker.endpoint.address)
    await worker.batch()
    assert worker.received == [
        (b"one", CLIENT, relay.getsockname()),
        (b"two", CLIENT, relay.getsockname()),
    ]
    assert worker.counters.received == 2
    worker.endpoint.close()


async def test_what_is_sent_names_the_client(relay: socket.socket) -> None:
    worker = Worker()
    worker.endpoint.send(b"hello", CLIENT, relay.getsockname())
    receiver = TunnelReceiver(KEYS, relay.getsockname())
    epoch, frames = receiver.decode(relay.recv(65535))
    assert (epoch, frames) == (99, [Frame(FrameType.DATA, CLIENT, b"hello")])
    assert worker.counters.sent == 1
    worker.endpoint.close()


@pytest.mark.parametrize(
    ("datagram", "fault"),
    [
        (b"", TunnelFault.TRUNCATED),
        (b"\x10" + bytes(19), TunnelFault.TAG),
        (b"\xff" * 60, TunnelFault.VERSION),
    ],
)
async def test_a_strangers_datagram_is_counted_and_harms_nothing(
    relay: socket.socket, datagram: bytes, fault: TunnelFault
) -> None:
    worker = Worker()
    relay.sendto(datagram, worker.endpoint.address)
    sender = TunnelSender(KEYS, 5, worker.endpoint.address)
    relay.sendto(sender.encode_data(CLIENT, b"after it"), worker.endpoint.address)
    while not worker.received:
        await worker.batch()
    assert worker.counters.faults == {fault: 1}
    assert worker.received == [(b"after it", CLIENT, relay.getsockname())]
    worker.endpoint.close()


async def test_control_frames_are_not_client_datagrams(relay: socket.socket) -> None:
    worker = Worker()
    sender = TunnelSender(KEYS, 5, worker.endpoint.address)
    frames = [Frame(FrameType.HELLO, CLIENT, b"x"), Frame(FrameType.DATA, CLIENT, b"y")]
    relay.sendto(sender.encode(frames), worker.endpoint.address)
    await worker.batch()
    assert worker.received == [(b"y", CLIENT, relay.getsockname())]
    worker.endpoint.close()


async def test_an_unreachable_relay_is_counted_and_harms_nothing(relay: socket.socket) -> None:
    worker = Worker()
    with udp_socket() as gone:
        closed_port = gone.getsockname()
    for _ in range(3):
        worker.endpoint.send(b"into the void", CLIENT, closed_port)
        await asyncio.sleep(0.01)
    worker.endpoint.send(b"hello", CLIENT, relay.getsockname())
    assert relay.recv(65535)
    worker.endpoint.close()
