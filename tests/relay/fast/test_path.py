"""The compiled loop between real sockets."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

pytest.importorskip("numba")

from antiphon_proto.address import Address
from antiphon_proto.demux import PacketKind
from antiphon_proto.tunnel import Frame, FrameType, TunnelReceiver, TunnelSender
from antiphon_proto.tunnel_control import Bind
from antiphon_proto.tunnel_transit import FromRelay, ToOwner, ToRelay, TransitSender
from relay.counters import CounterTable, Direction, Tally, Thread
from relay.drop_reason import DropReason
from relay.fast.entry_point import CompiledCodeError
from relay.fast.flow_table import FastFlowTable
from relay.fast.path import FastPath, precompile
from tests.relay.conftest import PATIENCE_S, Cluster

RTP = b"\x80\x6f" + bytes(20)
FAR = 1000


def bound(family: int, host: str) -> socket.socket:
    made = socket.socket(family, socket.SOCK_DGRAM)
    made.bind((host, 0))
    made.settimeout(PATIENCE_S)
    return made


class Relay:
    """A loop with its sockets, a client of each family, and an owner."""

    def __init__(self, moderation_us: int) -> None:
        self.ipv4 = bound(socket.AF_INET, "127.0.0.1")
        self.ipv6 = bound(socket.AF_INET6, "::1")
        self.tunnel = bound(socket.AF_INET, "127.0.0.1")
        self.client = bound(socket.AF_INET, "127.0.0.1")
        self.client6 = bound(socket.AF_INET6, "::1")
        self.owner = bound(socket.AF_INET, "127.0.0.1")
        self.flows = FastFlowTable(max_flows=100)
        self.counters = CounterTable(1)
        cluster = Cluster()
        self.to_owner = TunnelSender(cluster.keys, 1, self.owner_address)
        self.from_owner = TunnelSender(cluster.keys, 2, self.tunnel.getsockname())
        self._receiver = TunnelReceiver(cluster.keys, self.owner_address)
        self.path = FastPath(
            (self.ipv4, self.ipv6),
            self.tunnel,
            self.flows,
            row=self.counters.worker(0, Thread.FAST),
            moderation_us=moderation_us,
            cpu=None,
        )
        self.path.public_punts.settimeout(PATIENCE_S)
        self.path.tunnel_punts.settimeout(PATIENCE_S)

    @property
    def owner_address(self) -> Address:
        host, port = self.owner.getsockname()
        return host, port

    def introduce(self) -> None:
        """As Python does once it verified what they sent."""
        self.path.set_owner_header(
            self.owner_address, self.owner_address, self.to_owner.data_header
        )
        self.path.trust_header(self.from_owner.data_header)
        for client in (self.client, self.client6):
            self.bind(client.getsockname()[:2])

    def bind(self, client: Address, *ssrcs: int) -> None:
        bind = Bind(FAR, True, ssrcs)
        self.flows.bind(client, self.owner_address, 1, bind, time.monotonic())

    def received_by_owner(self) -> list[Frame]:
        _epoch, frames = self._receiver.decode(self.owner.recv(65535))
        return frames

    def send_down(self, *frames: Frame) -> None:
        self.owner.sendto(self.from_owner.encode(frames), self.tunnel.getsockname())

    def close(self) -> None:
        self.path.stop()
        self.path.close()
        for each in (self.ipv4, self.ipv6, self.tunnel, self.client, self.client6, self.owner):
            each.close()


@pytest.fixture(scope="module")
def compiled() -> None:
    """As a worker does before it starts its loop: it takes half a minute, once."""
    precompile()


@pytest.fixture(params=[0, 1000])
def relay(compiled: None, request: pytest.FixtureRequest) -> Iterator[Relay]:
    with closing(Relay(request.param)) as made:
        made.introduce()
        made.path.start()
        yield made


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def data(client: Address, payload: bytes) -> Frame:
    return Frame(FrameType.DATA, client, payload)


def test_forwards_what_has_a_flow(relay: Relay) -> None:
    relay.client.sendto(RTP, relay.ipv4.getsockname())
    assert relay.received_by_owner() == [data(relay.client.getsockname(), RTP)]

    relay.client6.sendto(RTP, relay.ipv6.getsockname())
    assert relay.received_by_owner() == [data(relay.client6.getsockname()[:2], RTP)]

    assert relay.counters.packets(Direction.TO_OWNER, PacketKind.RTP) == 2
    assert relay.counters.bytes(Direction.TO_OWNER, PacketKind.RTP) == 2 * len(RTP)
    assert relay.counters.tally(Tally.TUNNEL_DATAGRAMS_SENT) == 2


def test_delivers_each_frame_by_the_socket_of_its_family(relay: Relay) -> None:
    relay.send_down(
        data(relay.client.getsockname(), b"one"),
        data(relay.client6.getsockname()[:2], b"two"),
        data(relay.client.getsockname(), b""),
        data(relay.client.getsockname(), b"three"),
    )

    assert relay.client.recvfrom(100) == (b"one", relay.ipv4.getsockname())
    assert relay.client.recv(100) == b""
    assert relay.client.recv(100) == b"three"
    assert relay.client6.recvfrom(100) == (b"two", relay.ipv6.getsockname())


def test_delivers_the_largest_datagram(relay: Relay) -> None:
    payload = bytes(range(256)) * 200
    relay.send_down(data(relay.client.getsockname(), payload))

    assert relay.client.recv(65535) == payload


def test_delivers_more_frames_than_one_batch_takes(relay: Relay) -> None:
    client = relay.client.getsockname()
    sent = [number.to_bytes(2, "big") for number in range(600)]
    relay.client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    relay.send_down(*(data(client, payload) for payload in sent))

    assert [relay.client.recv(100) for _ in sent] == sent


def test_packs_what_waits_for_one_owner_in_order(relay: Relay) -> None:
    relay.path.stop()
    client = relay.client.getsockname()
    sent = [RTP + number.to_bytes(2, "big") * 100 for number in range(40)]
    for payload in (*sent, RTP + bytes(1500), RTP):
        relay.client.sendto(payload, relay.ipv4.getsockname())

    again = FastPath(
        (relay.ipv4, relay.ipv6),
        relay.tunnel,
        relay.flows,
        row=relay.counters.worker(0, Thread.FAST),
        moderation_us=0,
        cpu=None,
    )
    again.start()
    datagrams = []
    while sum(map(len, datagrams)) < 42:
        datagrams.append(relay.received_by_owner())
    again.stop()
    again.close()

    frames = [frame for datagram in datagrams for frame in datagram]
    assert frames == [data(client, each) for each in (*sent, RTP + bytes(1500), RTP)]
    # 1400 bytes hold five such frames with their headers, and the largest goes alone.
    assert [len(datagram) for datagram in datagrams] == [*[5] * 8, 1, 1]


def test_leaves_checks_to_python(relay: Relay) -> None:
    check = Cluster().check(b"ufrag", password=b"password")
    relay.client.sendto(check, relay.ipv4.getsockname())
    relay.client6.sendto(check, relay.ipv6.getsockname())

    punts = {relay.path.read_punt(relay.path.public_punts.recv(65535)) for _ in range(2)}
    assert punts == {
        (check, relay.client.getsockname()),
        (check, relay.client6.getsockname()[:2]),
    }


def test_leaves_strangers_tunnel_datagrams_to_python(relay: Relay) -> None:
    relay.path.distrust_headers()
    datagram = relay.from_owner.encode([data(relay.client.getsockname(), b"one")])
    relay.owner.sendto(datagram, relay.tunnel.getsockname())

    punt = relay.path.read_punt(relay.path.tunnel_punts.recv(65535))
    assert punt == (datagram, relay.owner_address)


def test_leaves_packets_for_an_owner_without_header_to_python(relay: Relay) -> None:
    relay.path.forget_owner_headers()
    relay.client.sendto(RTP, relay.ipv4.getsockname())

    punt = relay.path.read_punt(relay.path.public_punts.recv(65535))
    assert punt == (RTP, relay.client.getsockname())


def test_counts_punts_that_nobody_takes(relay: Relay) -> None:
    check = Cluster().check(b"ufrag", password=b"password")

    def lost() -> bool:
        for _ in range(1000):
            relay.client.sendto(check, relay.ipv4.getsockname())
        return relay.counters.drops(DropReason.PUNT_QUEUE_FULL) > 0

    eventually(lost)


def test_drops_and_counts_what_is_cut_short(relay: Relay) -> None:
    relay.client.sendto(b"\x80" + bytes(2047), relay.ipv4.getsockname())
    relay.client.sendto(b"\x80" + bytes(5000), relay.ipv4.getsockname())

    eventually(lambda: relay.counters.drops(DropReason.OVERSIZED) == 2)


def test_drops_and_counts_a_frame_for_a_client_that_cannot_be_sent_to(relay: Relay) -> None:
    relay.send_down(data(("127.0.0.1", 0), b"one"), data(relay.client.getsockname(), b"two"))

    assert relay.client.recv(100) == b"two"
    eventually(lambda: relay.counters.drops(DropReason.CLIENT_SEND_FAILED) == 1)


def test_counts_each_packet_that_cannot_reach_its_owner() -> None:
    with closing(Relay(0)) as relay:
        nowhere = ("127.0.0.1", 0)
        relay.path.set_owner_header(nowhere, nowhere, relay.to_owner.data_header)
        relay.flows.bind(
            relay.client.getsockname(), nowhere, 1, Bind(FAR, True, ()), time.monotonic()
        )
        for _ in range(3):
            relay.client.sendto(RTP, relay.ipv4.getsockname())
        relay.path.start()

        eventually(lambda: relay.counters.drops(DropReason.OWNER_SEND_FAILED) == 3)
        assert relay.counters.tally(Tally.TUNNEL_DATAGRAMS_SENT) == 0


def test_sends_to_an_owner_of_another_cluster_by_its_relay(relay: Relay) -> None:
    far = ("10.0.0.5%2", 7000)
    way = ToOwner(("10.0.0.5", 7000), 2, ("10.9.1.1", 4001))
    header = TransitSender(relay.to_owner, way).data_header
    relay.path.set_owner_header(far, relay.owner_address, header)
    client = relay.client.getsockname()
    relay.flows.unbind(client, relay.owner_address)
    relay.flows.bind(client, far, 1, Bind(FAR, True, ()), time.monotonic())
    relay.client.sendto(RTP, relay.ipv4.getsockname())

    assert relay.received_by_owner() == [way.frame(), data(client, RTP)]


def test_passes_on_what_is_in_transit(relay: Relay) -> None:
    way = ToRelay(("10.9.1.1", 4001))
    sender = TransitSender(relay.from_owner, way)
    frames = [data(("192.0.2.1", 1), b"\x80one"), data(("2001:db8::1", 2), b"\x80two")]
    relay.owner.sendto(sender.encode(frames), relay.tunnel.getsockname())
    punt = relay.path.read_punt(relay.path.tunnel_punts.recv(65535))
    assert punt == (sender.encode(frames), relay.owner_address)

    on = TransitSender(relay.to_owner, FromRelay(("10.9.1.1", 4001), 5))
    relay.path.pass_on(sender.data_header, relay.owner_address, on.data_header, to_owner=False)
    for _ in range(3):
        relay.owner.sendto(sender.encode(frames), relay.tunnel.getsockname())
        assert relay.received_by_owner() == [FromRelay(("10.9.1.1", 4001), 5).frame(), *frames]
    eventually(lambda: relay.counters.tally(Tally.TRANSIT_TO_RELAY) == 3)

    relay.path.distrust_headers()
    relay.owner.sendto(sender.encode(frames), relay.tunnel.getsockname())
    relay.path.tunnel_punts.recv(65535)
    relay.path.trust_header(relay.from_owner.data_header)
    relay.owner.sendto(sender.encode(frames), relay.tunnel.getsockname())
    relay.path.tunnel_punts.recv(65535)


def test_counts_what_cannot_be_passed_on(relay: Relay) -> None:
    sender = TransitSender(relay.from_owner, ToRelay(("10.9.1.1", 4001)))
    relay.path.pass_on(sender.data_header, ("127.0.0.1", 0), b"x" * 20, to_owner=True)
    relay.owner.sendto(sender.encode_data(("192.0.2.1", 1), RTP), relay.tunnel.getsockname())

    eventually(lambda: relay.counters.drops(DropReason.TRANSIT_SEND_FAILED) == 1)
    assert relay.counters.tally(Tally.TRANSIT_TO_OWNER) == 0


def test_forwards_all_that_waits_before_it_stops(relay: Relay) -> None:
    for _ in range(50):
        relay.client.sendto(RTP, relay.ipv4.getsockname())
    eventually(lambda: relay.counters.packets(Direction.TO_OWNER, PacketKind.RTP) > 0)
    relay.path.stop()
    sent = relay.counters.packets(Direction.TO_OWNER, PacketKind.RTP)

    received = 0
    while received < sent:
        received += len(relay.received_by_owner())
    assert received == sent


def test_tells_when_the_loop_failed(relay: Relay) -> None:
    table = relay.flows
    # A chain that leaves the table, as no code of ours makes it: the bounds check ends the loop.
    table._sections.flow_buckets[:] = 99_999
    relay.client.sendto(RTP, relay.ipv4.getsockname())

    eventually(lambda: relay.path.failed is not None)
    assert isinstance(relay.path.failed, CompiledCodeError)
    table._sections.flow_buckets[:] = 0xFFFFFFFF
    assert table.find(("127.0.0.1", 1), 0.0) is None, "the table is locked for ever"


def test_waits_under_load_alone() -> None:
    with closing(Relay(1000)) as relay:
        relay.introduce()
        relay.path.start()
        cell = relay.counters
        relay.client.sendto(RTP, relay.ipv4.getsockname())
        relay.received_by_owner()
        assert cell.tally(Tally.MODERATION_NANOSECONDS) == 0

        def waits() -> bool:
            for _ in range(500):
                relay.client.sendto(RTP, relay.ipv4.getsockname())
            return cell.tally(Tally.MODERATION_NANOSECONDS) == 1_000_000

        eventually(waits)
