"""A worker between real sockets, in this process; its loop runs in a thread."""

import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from antiphon_proto.address import Address
from antiphon_proto.demux import PacketKind
from antiphon_proto.tunnel import HEADER_BYTES, Frame, FrameType, TunnelReceiver, TunnelSender
from antiphon_proto.tunnel_control import Bind, Hello, Probe, control_frame, control_message
from antiphon_proto.tunnel_transit import ToOwner, ToRelay, TransitSender, read_transit
from relay.counters import CounterTable, Direction, Tally
from relay.drop_reason import DropReason
from relay.failure_limiter import FailureLimiter
from relay.flow_table import FlowTable
from relay.owner_allow_list import PRIVATE_OWNERS
from relay.receive_buffers import PUBLIC_BYTES
from relay.remote_clusters import RemoteClusters
from relay.router import Router
from relay.worker import BATCH, CompiledLoop, FastPathError, Worker

PATIENCE_S = 10.0
OWNER_EPOCH = 77
SIBLING = ("127.0.0.1", 4009)
RTP = b"\x80\x6f" + bytes(150)


def udp(host: str) -> socket.socket:
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    bound.bind((host, 0))
    bound.settimeout(PATIENCE_S)
    return bound


def name(bound: socket.socket) -> Address:
    return bound.getsockname()[:2]


class Rig:
    """A worker with its sockets, and what it counted."""

    def __init__(
        self,
        cluster,
        *,
        fast: CompiledLoop | None = None,
        tunnel_only: bool = False,
        remote: RemoteClusters | None = None,
        flows: FlowTable | None = None,
    ) -> None:
        with ExitStack() as opened:
            self.public4, self.public6 = (
                opened.enter_context(udp(host)) for host in ("127.0.0.1", "::1")
            )
            self.tunnel = opened.enter_context(udp("127.0.0.1"))
            self.link, self._link_end = map(opened.enter_context, socket.socketpair())
            self.close = opened.pop_all().close
        for each in (self.public4, self.public6, self.tunnel):
            each.setblocking(False)
        self.counts = CounterTable(1)
        self.flows = flows or FlowTable(max_flows=10)
        self.router = Router(
            cluster.keys,
            cluster_id=0,
            owners=PRIVATE_OWNERS,
            flows=self.flows,
            limiter=FailureLimiter(),
            families=frozenset({4, 6}),
            tunnel=name(self.tunnel),
            siblings=(SIBLING,),
            epoch=1,
            remote=remote,
        )
        self.worker = Worker(
            (self.public4, self.public6),
            self.tunnel,
            self.router,
            self.flows,
            self.counts.worker(0),
            fast,
            remote=remote,
            tunnel_only=tunnel_only,
        )

    @contextmanager
    def running(self, each_second: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Serve until the end of the block, by when all that it awaited was counted."""
        thread = threading.Thread(
            target=self.worker.run, args=({self._link_end.fileno(): self.worker.stop}, each_second)
        )
        thread.start()
        try:
            yield
        finally:
            self.link.send(b"stop")
            thread.join(PATIENCE_S)
        assert not thread.is_alive()

    def dropped(self) -> dict[DropReason, int]:
        return {reason: drops for reason in DropReason if (drops := self.counts.drops(reason))}


@pytest.fixture
def new_rig(cluster) -> Iterator[Callable[..., Rig]]:
    with ExitStack() as rigs:

        def new(**settings) -> Rig:
            rig = Rig(cluster, **settings)
            rigs.callback(rig.close)
            return rig

        yield new


@pytest.fixture
def rig(new_rig: Callable[..., Rig]) -> Rig:
    return new_rig()


@pytest.fixture
def to_relay(rig: Rig, cluster) -> TunnelSender:
    """How an owner writes to the worker."""
    return TunnelSender(cluster.keys, OWNER_EPOCH, name(rig.tunnel))


@pytest.fixture
def client6() -> Iterator[socket.socket]:
    with udp("::1") as opened:
        yield opened


class OnTheLink:
    """A socket at which a neighbour's datagram waits, from a link-local address."""

    def __init__(self, bound: socket.socket, datagram: bytes) -> None:
        self._bound, self._waiting = bound, [datagram]

    def fileno(self) -> int:
        return self._bound.fileno()

    def recvfrom(self, _size: int) -> tuple[bytes, tuple[str, int, int, int]]:
        if not self._waiting:
            return self._bound.recvfrom(1)
        return self._waiting.pop(), ("fe80::1%eth0", 4321, 0, 2)


def test_a_neighbour_on_the_link_is_a_client_like_any_other(rig: Rig, owner) -> None:
    rig.public6.sendto(b"so that it is readable", name(rig.public6))
    rig.worker.read_out(OnTheLink(rig.public6, owner.check))
    frame, _ = owner.receive()
    assert frame == Frame(FrameType.DATA, ("fe80::1", 4321), owner.check)


class TestForwarding:
    def test_between_clients_of_both_families_and_their_owner(
        self, rig, owner, client, client6, to_relay
    ) -> None:
        with rig.running():
            for source, public in ((client, rig.public4), (client6, rig.public6)):
                source.sendto(owner.check, name(public))
                frame, relay_worker = owner.receive()
                assert frame == Frame(FrameType.DATA, name(source), owner.check)
                assert relay_worker == name(rig.tunnel)

                owner.socket.sendto(to_relay.encode_data(frame.client, RTP), relay_worker)
                assert source.recvfrom(2000) == (RTP, public.getsockname())

        up, down = Direction.TO_OWNER, Direction.TO_CLIENT
        assert rig.counts.packets(up, PacketKind.STUN) == 2
        assert rig.counts.bytes(up, PacketKind.STUN) == 2 * len(owner.check)
        assert rig.counts.packets(down, PacketKind.RTP) == 2
        assert rig.counts.bytes(down, PacketKind.RTP) == 2 * len(RTP)
        assert rig.counts.tally(Tally.TUNNEL_DATAGRAMS_SENT) == 2
        assert (rig.counts.batches(up)[1], rig.counts.batches(down)[1]) == (2, 2)
        assert rig.counts.tally(Tally.WAKE_UPS) == 4
        assert rig.dropped() == {}

    def test_every_frame_of_a_datagram_as_large_as_udp_s(
        self, rig, owner, client, to_relay
    ) -> None:
        payloads = [bytes([128, number]) + bytes(1298) for number in range(49)]
        frames = [Frame(FrameType.DATA, name(client), payload) for payload in payloads]
        datagram = to_relay.encode(frames)
        assert len(datagram) > 64_000

        with rig.running():
            owner.socket.sendto(datagram, name(rig.tunnel))
            assert [client.recv(2000) for _ in payloads] == payloads

    def test_probes_are_answered(self, rig, owner, cluster, to_relay) -> None:
        with rig.running():
            probe = to_relay.encode([control_frame(Hello(99, ()))])
            owner.socket.sendto(probe, name(rig.tunnel))
            answer, source = owner.socket.recvfrom(2000)

        _epoch, [frame] = TunnelReceiver(cluster.keys, owner.address).decode(answer)
        assert control_message(frame) == Hello(99, (SIBLING,))
        assert source == name(rig.tunnel)
        assert rig.counts.tally(Tally.TUNNEL_DATAGRAMS_SENT) == 1

    def test_bindings_hold(self, rig, owner, client, to_relay) -> None:
        with rig.running():
            bind = control_frame(Bind(30, True, ()), name(client))
            owner.socket.sendto(to_relay.encode([bind]), name(rig.tunnel))
            # What arrives after the bind shows that it was taken.
            owner.socket.sendto(to_relay.encode_data(name(client), RTP), name(rig.tunnel))
            client.recv(2000)

            client.sendto(RTP, name(rig.public4))
            frame, _ = owner.receive()

        assert frame == Frame(FrameType.DATA, name(client), RTP)


class TestDrops:
    def test_what_did_not_fit_the_buffer(self, rig, owner, client) -> None:
        with rig.running():
            client.sendto(owner.check, name(rig.public4))
            owner.receive()
            for size in (PUBLIC_BYTES + 1, PUBLIC_BYTES, PUBLIC_BYTES - 1):
                client.sendto(RTP[:2] + bytes(size - 2), name(rig.public4))
            frame, _ = owner.receive()

        assert len(frame.payload) == PUBLIC_BYTES - 1
        assert rig.dropped() == {DropReason.OVERSIZED: 2}

    def test_an_empty_datagram(self, rig, owner, client) -> None:
        with rig.running():
            client.sendto(b"", name(rig.public4))
            client.sendto(owner.check, name(rig.public4))
            owner.receive()

        assert rig.dropped() == {DropReason.NOT_WEBRTC: 1}

    def test_what_the_kernel_will_not_send_to_a_client(self, rig, owner, client, to_relay) -> None:
        with rig.running():
            frames = [
                Frame(FrameType.DATA, (host, port), RTP)
                for host, port in (("127.0.0.1", 0), name(client))
            ]
            owner.socket.sendto(to_relay.encode(frames), name(rig.tunnel))
            assert client.recv(2000) == RTP

        assert rig.dropped() == {DropReason.CLIENT_SEND_FAILED: 1}
        assert rig.counts.packets(Direction.TO_CLIENT, PacketKind.RTP) == 1

    def test_what_the_kernel_will_not_send_to_an_owner(self, rig, owner, client, cluster) -> None:
        with rig.running():
            client.sendto(cluster.check(cluster.ufrag(("127.0.0.1", 0))), name(rig.public4))
            client.sendto(owner.check, name(rig.public4))
            owner.receive()

        assert rig.dropped() == {DropReason.OWNER_SEND_FAILED: 1}
        assert rig.counts.packets(Direction.TO_OWNER, PacketKind.STUN) == 1

    def test_each_bad_tunnel_datagram_once(self, rig, owner, client, stranger, to_relay) -> None:
        from_strangers = TunnelSender(stranger.keys, OWNER_EPOCH, name(rig.tunnel))
        with rig.running():
            owner.socket.sendto(from_strangers.encode_data(name(client), RTP), name(rig.tunnel))
            good = to_relay.encode_data(name(client), RTP)
            owner.socket.sendto(good[:-1], name(rig.tunnel))
            owner.socket.sendto(good, name(rig.tunnel))
            assert client.recv(2000) == RTP

        assert rig.dropped() == {DropReason.TUNNEL_TAG: 1, DropReason.TUNNEL_TRUNCATED: 1}


class TestRun:
    def test_without_its_public_sockets_it_only_sends_on_them(
        self, new_rig, owner, client, cluster
    ) -> None:
        rig = new_rig(tunnel_only=True)
        to_relay = TunnelSender(cluster.keys, OWNER_EPOCH, name(rig.tunnel))
        with rig.running():
            client.sendto(owner.check, name(rig.public4))
            owner.socket.sendto(to_relay.encode_data(name(client), RTP), name(rig.tunnel))
            assert client.recvfrom(2000) == (RTP, name(rig.public4))

        assert rig.public4.recv(2000) == owner.check

    def test_keeps_house_and_reports(self, rig, owner, client, to_relay) -> None:
        seconds = threading.Semaphore(0)
        with rig.running(seconds.release):
            assert seconds.acquire(timeout=PATIENCE_S)
            client.sendto(owner.check, name(rig.public4))
            owner.receive()
            assert seconds.acquire(timeout=PATIENCE_S)

        assert rig.counts.tally(Tally.PROVISIONAL_FLOWS) == 1
        assert rig.counts.tally(Tally.BOUND_FLOWS) == 0

    def test_other_keys_from_now_on(self, rig, owner, client, stranger, to_relay) -> None:
        with rig.running():
            owner.socket.sendto(to_relay.encode_data(name(client), RTP), name(rig.tunnel))
            client.recv(2000)
            rig.worker.reload(stranger.keys)
            owner.socket.sendto(to_relay.encode_data(name(client), RTP), name(rig.tunnel))
            renewed = TunnelSender(stranger.keys, OWNER_EPOCH, name(rig.tunnel))
            owner.socket.sendto(renewed.encode_data(name(client), RTP), name(rig.tunnel))
            client.recv(2000)

        assert rig.dropped() == {DropReason.TUNNEL_TAG: 1}


class StandInLoop:
    """What the compiled loop is told, and the sockets on which it leaves the odd datagram."""

    def __init__(self) -> None:
        self.public_punts, self.leave_public = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.tunnel_punts, self.leave_tunnel = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        for punts in (self.public_punts, self.tunnel_punts):
            punts.setblocking(False)
        self.failed: BaseException | None = None
        self.owner_headers: dict[Address, bytes] = {}
        self.gateways: dict[Address, Address] = {}
        self.passages: list[tuple[bytes, Address, bytes, bool]] = []
        self.trusted: list[bytes] = []

    @staticmethod
    def punt(datagram: bytes, source: Address) -> bytes:
        return "{} {} ".format(*source).encode() + datagram

    @staticmethod
    def read_punt(punt: bytes) -> tuple[bytes, Address]:
        host, port, datagram = punt.split(b" ", 2)
        return datagram, (host.decode(), int(port))

    def set_owner_header(self, owner: Address, to: Address, header: bytes) -> None:
        self.owner_headers[owner] = header
        self.gateways[owner] = to

    def forget_owner_headers(self) -> None:
        self.owner_headers.clear()

    def trust_header(self, header: bytes) -> None:
        self.trusted.append(header)

    def distrust_headers(self) -> None:
        self.trusted.clear()
        self.passages.clear()

    def pass_on(self, prefix: bytes, to: Address, header: bytes, *, to_owner: bool) -> None:
        self.passages.append((prefix, to, header, to_owner))

    def close(self) -> None:
        for each in (self.public_punts, self.leave_public, self.tunnel_punts, self.leave_tunnel):
            each.close()


class TestPunts:
    CLIENT = ("203.0.113.7", 50_000)

    @pytest.fixture
    def loop(self) -> Iterator[StandInLoop]:
        loop = StandInLoop()
        yield loop
        loop.close()

    @pytest.fixture
    def rig(self, new_rig: Callable[..., Rig], loop: StandInLoop) -> Rig:
        return new_rig(fast=loop)

    def test_a_check_teaches_the_loop_its_owner(self, rig, loop, owner) -> None:
        with rig.running():
            for _ in range(2):
                loop.leave_public.send(loop.punt(owner.check, self.CLIENT))
                frame, _ = owner.receive()
                assert frame == Frame(FrameType.DATA, self.CLIENT, owner.check)

        header = rig.router.sender_to(owner.address).data_header
        assert loop.owner_headers == {owner.address: header}
        assert rig.counts.tally(Tally.PUNTS) == 2
        assert rig.counts.packets(Direction.TO_OWNER, PacketKind.STUN) == 2

    def test_an_owner_that_the_loop_forgot_is_told_of_again(self, rig, loop, owner) -> None:
        with rig.running():
            for _ in range(2):
                loop.owner_headers.clear()
                loop.leave_public.send(loop.punt(owner.check, self.CLIENT))
                owner.receive()

        assert owner.address in loop.owner_headers

    def test_a_data_header_that_proved_good_is_trusted(
        self, rig, loop, owner, client, stranger, to_relay
    ) -> None:
        good = to_relay.encode_data(name(client), RTP)
        bad = TunnelSender(stranger.keys, 1, name(rig.tunnel)).encode_data(name(client), RTP)
        bind = to_relay.encode([control_frame(Bind(30, True, ()), name(client))])
        with rig.running():
            for datagram in (bad, b"", good[:10], bind, good):
                loop.leave_tunnel.send(loop.punt(datagram, owner.address))
            assert client.recv(2000) == RTP

        assert set(loop.trusted) == {good[:HEADER_BYTES]}
        assert rig.flows.bound == 1

    def test_the_sockets_are_the_loop_s_to_read(self, rig, loop, owner, client) -> None:
        client.sendto(b"to the loop", name(rig.public4))
        with rig.running():
            loop.leave_public.send(loop.punt(owner.check, self.CLIENT))
            owner.receive()

        assert rig.public4.recv(2000) == b"to the loop"

    def test_the_loop_is_told_at_once_of_the_owners_that_are_known(self, new_rig, loop) -> None:
        flows, owners = FlowTable(max_flows=2), [("10.0.0.1", 4000), ("10.0.0.2", 4000)]
        for owner in owners:
            flows.bind((owner[0], 1), owner, 1, Bind(30, True, ()), time.monotonic())

        rig = new_rig(fast=loop, flows=flows)

        headers = {owner: rig.router.sender_to(owner).data_header for owner in owners}
        assert loop.owner_headers == headers

    def test_other_keys_change_what_the_loop_sends_and_believes(
        self, rig, loop, owner, client, stranger, to_relay
    ) -> None:
        with rig.running():
            loop.leave_public.send(loop.punt(owner.check, self.CLIENT))
            owner.receive()
            loop.leave_tunnel.send(loop.punt(to_relay.encode_data(name(client), RTP), ("", 0)))
            client.recv(2000)
        before = dict(loop.owner_headers)
        assert loop.trusted

        rig.worker.reload(stranger.keys)

        assert loop.owner_headers != before

        header = rig.router.sender_to(owner.address).data_header
        assert (loop.owner_headers, loop.trusted) == ({owner.address: header}, [])

    def test_what_the_loop_left_is_taken_before_the_end(self, rig, loop, owner) -> None:
        left = 2 * BATCH
        for _ in range(left):
            loop.leave_public.send(loop.punt(owner.check, self.CLIENT), socket.MSG_DONTWAIT)
        rig.link.send(b"stop before it starts")
        with rig.running():
            pass

        assert not select.select([loop.public_punts], (), (), 0)[0]
        assert rig.counts.tally(Tally.PUNTS) == left

    def test_datagrams_in_transit_are_sent_on_and_open_a_passage(
        self, new_rig, loop, owner, client, cluster
    ) -> None:
        far = udp("127.0.0.1")
        far_name = name(far)
        remote = RemoteClusters(0, ("127.0.0.1", 1), lambda: 5, clusters=frozenset({2}))
        rig = new_rig(fast=loop, remote=remote)
        sender = TransitSender(TunnelSender(cluster.keys, 7, name(rig.tunnel)), ToRelay(far_name))
        datagram = sender.encode_data(name(client), RTP)
        bind = sender.encode([control_frame(Bind(30, True, ()), name(client))])
        with rig.running(), far:
            for each in (bind, datagram):
                loop.leave_tunnel.send(loop.punt(each, owner.address))
                far.recv(2000)

        header = TunnelSender(cluster.keys, 1, far_name).data_header
        assert loop.passages == [(sender.data_header, far_name, header, False)]
        assert rig.counts.tally(Tally.TRANSIT_TO_RELAY) == 2

    def test_other_clusters_relays_are_probed_and_the_loop_told_of_them(
        self, new_rig, loop, owner, cluster
    ) -> None:
        far = udp("127.0.0.1")
        far_name = name(far)
        remote = RemoteClusters(0, ("127.0.0.1", 1), lambda: 5, clusters=frozenset({2}))
        remote.name({2: [far_name]}, 0.0)
        rig = new_rig(fast=loop, remote=remote)
        check = cluster.check(cluster.ufrag(owner.address, cluster_id=2))
        receiver = TunnelReceiver(cluster.keys, far_name)
        seen: list[object] = []
        with rig.running(), far:
            loop.leave_public.send(loop.punt(check, self.CLIENT))
            while len(seen) < 2:
                _epoch, frames = receiver.decode(far.recv(2000))
                probe = frames[0].type is FrameType.PROBE
                found = control_message(frames[0]) if probe else read_transit(frames[0])
                if found not in seen:
                    seen.append(found)

        assert {type(each) for each in seen} == {Probe, ToOwner}
        remote_owner = (f"{owner.address[0]}%2", owner.address[1])
        assert loop.gateways == {remote_owner: far_name}

    def test_its_end_is_the_worker_s(self, rig, loop) -> None:
        loop.failed = IndexError("out of bounds")

        with pytest.raises(FastPathError) as caught:
            rig.worker.run({})
        assert caught.value.__cause__ is loop.failed
