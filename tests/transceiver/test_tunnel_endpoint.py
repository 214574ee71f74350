"""The worker's one socket, against relays on real sockets."""

import asyncio
import itertools
import math
import socket
import time
from collections.abc import Iterator

import pytest

from antiphon_proto.address import Address
from antiphon_proto.cluster_keys import ClusterKeys
from antiphon_proto.tunnel import (
    Frame,
    FrameType,
    TunnelFault,
    TunnelReceiver,
    TunnelSender,
    port_payload,
)
from antiphon_proto.tunnel_control import (
    Bind,
    ControlMessage,
    Hello,
    Lease,
    Leased,
    Reset,
    Unbind,
    UnbindReason,
    control_frame,
    control_message,
)
from antiphon_proto.tunnel_transit import FromRelay, ToRelay, read_transit
from transceiver.announcer import LIFETIME_S, Announcer, Occasion
from transceiver.counters import TunnelCounters
from transceiver.leased_ports import LIFETIME_S as LEASE_S
from transceiver.relay_directory import RelayDirectory
from transceiver.tunnel_endpoint import LEAST_BATCH, TunnelEndpoint
from transceiver.tunnel_peer import MAX_CONTROL_BYTES, MAX_DATAGRAM_BYTES

FIRST, SECOND = (line + "\n" for line in ("0 ipv4 " + "11" * 32, "1 ipv4 " + "22" * 32))
KEYS = ClusterKeys.parse(FIRST)
EPOCH, INCARNATION = 99, 7
CLIENT: Address = ("192.0.2.7", 4321)
PATIENCE_S = 10.0


def udp_socket() -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bound.bind(("127.0.0.1", 0))
    return bound


class Relay:
    """A scripted relay worker."""

    def __init__(self, epoch: int = 5, keys: ClusterKeys = KEYS) -> None:
        self._socket = udp_socket()
        self._socket.settimeout(PATIENCE_S)
        self.address: Address = self._socket.getsockname()
        self.keys = keys
        self.epoch = epoch
        self._receiver = TunnelReceiver(keys, self.address)
        self._epochs = set[int]()

    def send(self, worker: "Worker", *frames: Frame) -> None:
        sender = TunnelSender(self.keys, self.epoch, worker.endpoint.address)
        self._socket.sendto(sender.encode(frames), worker.endpoint.address)

    def send_raw(self, datagram: bytes, worker: "Worker") -> None:
        self._socket.sendto(datagram, worker.endpoint.address)

    def take(self) -> list[Frame]:
        """The frames of the next datagram."""
        datagram = self._socket.recv(65535)
        assert len(datagram) <= MAX_DATAGRAM_BYTES
        epoch, frames = self._receiver.decode(datagram)
        assert epoch == EPOCH
        return frames

    def take_told(self) -> list[tuple[Address, ControlMessage]]:
        frames = self.take()
        return [(frame.client, control_message(frame)) for frame in frames]

    def pending(self) -> list[list[Frame]]:
        """The datagrams that have arrived."""
        datagrams = []
        self._socket.setblocking(False)
        try:
            while True:
                datagrams.append(self.take())
        except BlockingIOError:
            return datagrams
        finally:
            self._socket.settimeout(PATIENCE_S)

    def asked(self) -> int | None:
        """The nonce of the latest HELLO among the datagrams that have arrived."""
        frames = [frame for frames in self.pending() for frame in frames]
        hellos = [Hello.decode(f.payload) for f in frames if f.type is FrameType.HELLO]
        return hellos[-1].nonce if hellos else None

    def close(self) -> None:
        self._socket.close()


class Worker:
    """An endpoint whose batches can be awaited."""

    def __init__(self) -> None:
        self.counters = TunnelCounters()
        bound = udp_socket()
        bound.setblocking(False)
        nonces, self.round_trips = itertools.count(1), list[float]()
        self.directory = RelayDirectory(
            bound.getsockname(), lambda: next(nonces), self.round_trips.append
        )
        self.announcer = Announcer(INCARNATION, 0.0)
        self.endpoint = TunnelEndpoint(
            bound,
            KEYS,
            EPOCH,
            self.counters,
            directory=self.directory,
            announcer=self.announcer,
        )
        self.received: list[tuple[bytes, Address, Address]] = []
        self.answer_with: list[bytes] = []
        self.batches = asyncio.Queue[int]()
        self.arrivals: list[float] = []
        self.busy_at = math.inf
        self.endpoint.start(
            self._on_datagram,
            self.arrivals.append,
            lambda: self.batches.put_nowait(len(self.received)),
            busy_at=lambda: self.busy_at,
        )

    def _on_datagram(self, payload: bytes, client: Address, relay: Address, _now: float) -> None:
        self.received.append((payload, client, relay))
        for answer in self.answer_with:
            self.endpoint.send(answer, client, relay)

    async def batch(self) -> None:
        await asyncio.wait_for(self.batches.get(), PATIENCE_S)

    async def meet(self, relay: Relay, *siblings: Relay) -> None:
        """Have a relay worker heard from, and answer the probe that follows."""
        relay.send(self, data(b"first"))
        await self.batch()
        await self.answer_probe(relay, *siblings)

    async def answer_probe(self, relay: Relay, *siblings: Relay) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while (nonce := relay.asked()) is None:
                self.endpoint.tick()
                await asyncio.sleep(0.002)
        hello = Hello(nonce, tuple(sibling.address for sibling in siblings))
        relay.send(self, control_frame(hello))
        await self.batch()


def data(payload: bytes) -> Frame:
    return Frame(FrameType.DATA, CLIENT, payload)


@pytest.fixture
def relay() -> Iterator[Relay]:
    relay = Relay()
    yield relay
    relay.close()


@pytest.fixture
def sibling() -> Iterator[Relay]:
    relay = Relay(epoch=6)
    yield relay
    relay.close()


@pytest.fixture
async def worker() -> Worker:
    return Worker()


async def test_a_clients_datagram_comes_with_its_address_and_its_relay(
    worker: Worker, relay: Relay
) -> None:
    relay.send(worker, data(b"one"), data(b"two"))
    await worker.batch()
    assert worker.received == [(b"one", CLIENT, relay.address), (b"two", CLIENT, relay.address)]
    assert (worker.counters.received, worker.counters.received_datagrams) == (2, 1)
    worker.endpoint.close()


async def test_what_is_sent_names_the_client(worker: Worker, relay: Relay) -> None:
    worker.endpoint.send(b"hello", CLIENT, relay.address)
    await asyncio.sleep(0)
    assert relay.take() == [data(b"hello")]
    assert worker.counters.sent == 1
    worker.endpoint.close()


async def test_what_one_callback_sends_leaves_together(worker: Worker, relay: Relay) -> None:
    for payload in (b"one", b"two", b"three"):
        worker.endpoint.send(payload, CLIENT, relay.address)
    await asyncio.sleep(0)
    assert relay.take() == [data(b"one"), data(b"two"), data(b"three")]
    assert (worker.counters.sent, worker.counters.sent_datagrams) == (3, 1)
    worker.endpoint.send(b"four", CLIENT, relay.address)
    await asyncio.sleep(0)
    assert relay.take() == [data(b"four")]
    worker.endpoint.close()


async def test_what_a_batch_answers_leaves_together_at_its_end(
    worker: Worker, relay: Relay
) -> None:
    worker.answer_with = [b"yes", b"indeed"]
    relay.send(worker, data(b"one"), data(b"two"))
    await worker.batch()
    assert relay.take() == [data(b"yes"), data(b"indeed")] * 2
    worker.endpoint.close()


async def test_gathered_frames_wait_for_the_flush(worker: Worker, relay: Relay) -> None:
    worker.endpoint.gather()
    worker.endpoint.send(b"one", CLIENT, relay.address)
    await asyncio.sleep(0)
    assert relay.pending() == []
    worker.endpoint.send(b"two", CLIENT, relay.address)
    worker.endpoint.flush()
    assert relay.pending() == [[data(b"one"), data(b"two")]]
    worker.endpoint.close()


async def test_more_than_fits_leaves_in_several_datagrams_in_order(
    worker: Worker, relay: Relay
) -> None:
    payloads = [bytes([i]) * 300 for i in range(10)] + [b"x" * 1350, b"y"]
    for payload in payloads:
        worker.endpoint.send(payload, CLIENT, relay.address)
    worker.endpoint.flush()
    datagrams = relay.pending()
    assert [frame.payload for frames in datagrams for frame in frames] == payloads
    assert [len(frames) for frames in datagrams] == [4, 4, 2, 2]
    worker.endpoint.close()


async def test_a_leased_port_is_asked_for_and_carries_both_ways_apart_from_all_else(
    worker: Worker, relay: Relay
) -> None:
    await worker.meet(relay)
    relay.pending()
    heard: list[tuple[bytes, Address]] = []
    port = worker.endpoint.leases.lease(
        CLIENT[0],
        on_datagram=lambda datagram, client, _now: heard.append((datagram, client)),
        on_settled=lambda _port: None,
        now=time.monotonic(),
    )
    worker.endpoint.flush()
    [(_client, lease)] = relay.take_told()
    assert lease == Lease(port.id, LEASE_S, 0, ((CLIENT[0], 0),))

    relay.send(worker, control_frame(Leased(port.id, ("192.0.2.1", 40_000))))
    relay.send(worker, Frame(FrameType.PORT_DATA, CLIENT, port_payload(40_000, b"hello")))
    relay.send(worker, Frame(FrameType.PORT_DATA, CLIENT, b"!"))
    while not worker.counters.faults[TunnelFault.FRAME]:
        await worker.batch()
    assert (port.address, heard) == (("192.0.2.1", 40_000), [(b"hello", CLIENT)])
    relay.pending()

    port.latch(CLIENT)
    worker.endpoint.send(b"to another", CLIENT, relay.address)
    port.send(b"welcome", CLIENT)
    worker.endpoint.flush()
    [(_client, latched)] = relay.take_told()
    assert latched == Lease(port.id, LEASE_S, 40_000, (CLIENT, (CLIENT[0], 0)))
    assert relay.take() == [data(b"to another")]
    welcome = Frame(FrameType.PORT_DATA, CLIENT, port_payload(40_000, b"welcome"))
    assert relay.take() == [welcome]
    worker.endpoint.close()


async def test_a_relay_worker_that_forgot_is_asked_for_its_ports_again(
    worker: Worker, relay: Relay
) -> None:
    await worker.meet(relay)
    port = worker.endpoint.leases.lease(
        None,
        on_datagram=lambda *_: None,
        on_settled=lambda _port: None,
        now=time.monotonic(),
    )
    relay.send(worker, control_frame(Leased(port.id, ("192.0.2.1", 40_000))))
    await worker.batch()
    relay.pending()
    relay.epoch += 1
    await worker.meet(relay)
    asked = [frame for frames in relay.pending() for frame in frames]
    leases = [Lease.decode(frame.payload) for frame in asked if frame.type is FrameType.LEASE]
    assert [lease.port for lease in leases] == [40_000]
    worker.endpoint.close()


async def test_a_named_relay_is_known_before_any_client_came_through_it(
    worker: Worker, relay: Relay
) -> None:
    assert worker.endpoint.relay_for(CLIENT) is None
    worker.endpoint.introduce([relay.address])
    worker.endpoint.tick()
    nonce = relay.asked()
    assert nonce is not None
    relay.send(worker, control_frame(Hello(nonce, ())))
    await worker.batch()
    assert worker.endpoint.relay_for(CLIENT) == relay.address
    worker.endpoint.close()


async def test_a_binding_goes_before_all_that_its_batch_sends(worker: Worker, relay: Relay) -> None:
    """Or the client's answer reaches a relay that knows no owner for it."""
    await worker.meet(relay)
    relay.pending()
    worker.endpoint.gather()
    for _ in range(2):
        worker.endpoint.send(b"x" * 1300, CLIENT, relay.address)
    worker.announcer.bind(CLIENT, ssrcs=(), confirmed=False)
    worker.endpoint.flush()
    types = [[frame.type for frame in frames] for frames in relay.pending()]
    assert types == [[FrameType.BIND], [FrameType.DATA], [FrameType.DATA]]
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
    worker: Worker, relay: Relay, datagram: bytes, fault: TunnelFault
) -> None:
    relay.send_raw(datagram, worker)
    relay.send(worker, data(b"after it"))
    while not worker.received:
        await worker.batch()
    assert worker.counters.faults == {fault: 1}
    assert worker.received == [(b"after it", CLIENT, relay.address)]
    worker.endpoint.close()


async def test_a_stranger_is_not_probed(worker: Worker, relay: Relay) -> None:
    relay.send_raw(bytes(60), worker)
    await worker.batch()
    worker.endpoint.tick()
    assert (len(worker.directory), relay.pending()) == (0, [])
    worker.endpoint.close()


async def test_control_frames_are_not_client_datagrams(worker: Worker, relay: Relay) -> None:
    relay.send(worker, Frame(FrameType.HELLO, CLIENT, b"x"), data(b"y"))
    await worker.batch()
    assert worker.received == [(b"y", CLIENT, relay.address)]
    assert worker.counters.faults == {TunnelFault.FRAME: 1}
    worker.endpoint.close()


async def test_an_unreachable_relay_is_counted_and_harms_nothing(
    worker: Worker, relay: Relay
) -> None:
    with udp_socket() as gone:
        closed_port = gone.getsockname()
    for _ in range(3):
        worker.endpoint.send(b"into the void", CLIENT, closed_port)
        await asyncio.sleep(0.01)
    worker.endpoint.send(b"hello", CLIENT, relay.address)
    worker.endpoint.flush()
    assert relay.take() == [data(b"hello")]
    worker.endpoint.close()


async def test_a_relay_is_greeted_at_its_first_datagram(worker: Worker, relay: Relay) -> None:
    relay.send(worker, data(b"hello"))
    await worker.batch()
    await asyncio.sleep(0)
    (_, reset), (_, hello) = relay.take_told()
    assert reset == Reset(INCARNATION)
    assert isinstance(hello, Hello)
    assert hello.nonce
    worker.endpoint.close()


async def test_a_relay_that_answers_is_told_everything_at_once(
    worker: Worker, relay: Relay
) -> None:
    clients = [("192.0.2.1", port) for port in range(1, 501)]
    for client in clients:
        worker.announcer.bind(client, ssrcs=(client[1],), confirmed=True)
    worker.endpoint.flush()
    await worker.meet(relay)
    datagrams = [[(f.client, control_message(f)) for f in frames] for frames in relay.pending()]
    told = [each for datagram in datagrams for each in datagram]
    assert told.pop(0)[1] == Reset(INCARNATION)
    assert told == [(c, Bind(LIFETIME_S, confirmed=True, ssrcs=(c[1],))) for c in clients]
    assert len(datagrams) <= 1 + 501 * 40 // MAX_CONTROL_BYTES
    assert worker.counters.announced == {Occasion.NEW_EPOCH: 501}
    assert len(worker.round_trips) == 1
    worker.endpoint.close()


async def test_a_relay_with_a_new_epoch_is_told_everything_again(
    worker: Worker, relay: Relay
) -> None:
    await worker.meet(relay)
    worker.announcer.bind(CLIENT, ssrcs=(), confirmed=True)
    worker.endpoint.flush()
    relay.pending()
    relay.epoch += 1
    await worker.meet(relay)
    assert relay.take_told() == [
        (("0.0.0.0", 0), Reset(INCARNATION)),
        (CLIENT, Bind(LIFETIME_S, confirmed=True, ssrcs=())),
    ]
    worker.endpoint.close()


async def test_every_relay_hears_of_a_change_before_the_packets_that_follow_it(
    worker: Worker, relay: Relay, sibling: Relay
) -> None:
    for each in (relay, sibling):
        await worker.meet(each)
        each.pending()
    other = ("192.0.2.9", 1)
    worker.announcer.bind(CLIENT, ssrcs=(1,), confirmed=True)
    worker.announcer.bind(other, ssrcs=(2,), confirmed=False)
    worker.endpoint.send(b"media", CLIENT, relay.address)
    worker.endpoint.flush()
    told = [
        (CLIENT, Bind(LIFETIME_S, confirmed=True, ssrcs=(1,))),
        (other, Bind(LIFETIME_S, confirmed=False, ssrcs=(2,))),
    ]
    assert relay.take_told() == told
    assert relay.take() == [data(b"media")]
    assert sibling.take_told() == told
    worker.announcer.unbind(other, UnbindReason.MOVED)
    worker.endpoint.close()
    assert relay.take_told() == [(other, Unbind(UnbindReason.MOVED))]


async def test_a_recorded_answer_changes_nothing(worker: Worker, relay: Relay) -> None:
    await worker.meet(relay)
    relay.pending()
    relay.epoch -= 1
    relay.send(worker, control_frame(Hello(1, (("127.0.0.1", 9),))))
    await worker.batch()
    assert worker.counters.announced == {Occasion.NEW_EPOCH: 1}
    assert len(worker.directory) == 1
    worker.endpoint.close()


async def test_packets_go_through_a_sibling_while_a_relay_does_not_answer(
    worker: Worker, relay: Relay, sibling: Relay
) -> None:
    await worker.meet(sibling)
    await worker.meet(relay, relay, sibling)
    while worker.directory.answering(relay.address):
        worker.endpoint.tick()
        await worker.answer_probe(sibling)
    sibling.pending()
    worker.endpoint.send(b"round about", CLIENT, relay.address)
    worker.endpoint.flush()
    assert sibling.take() == [data(b"round about")]
    await worker.meet(relay, sibling)
    relay.pending()
    worker.endpoint.send(b"straight", CLIENT, relay.address)
    worker.endpoint.flush()
    assert relay.take() == [data(b"straight")]
    worker.endpoint.close()


async def test_other_keys_come_into_use_without_a_restart(worker: Worker, relay: Relay) -> None:
    await worker.meet(relay)
    worker.endpoint.use_keys(ClusterKeys.parse(SECOND + FIRST))
    relay.send(worker, data(b"under the old key"))
    await worker.batch()
    rotated = Relay(keys=ClusterKeys.parse(SECOND))
    rotated.send(worker, data(b"under the new key"))
    await worker.batch()
    assert [payload for payload, _client, _relay in worker.received[1:]] == [
        b"under the old key",
        b"under the new key",
    ]
    worker.endpoint.send(b"answer", CLIENT, rotated.address)
    worker.endpoint.flush()
    assert data(b"answer") in [frame for frames in rotated.pending() for frame in frames]
    worker.endpoint.use_keys(ClusterKeys.parse(SECOND))
    relay.send(worker, data(b"under a key that was removed"))
    await worker.batch()
    assert worker.counters.faults == {TunnelFault.TAG: 1}
    rotated.close()
    worker.endpoint.close()


async def test_it_is_told_when_each_datagram_reached_the_kernel(
    worker: Worker, relay: Relay
) -> None:
    before = time.time()
    relay.send(worker, data(b"early"))
    between = time.time()
    time.sleep(0.02)
    relay.send(worker, data(b"late"))
    await worker.batch()
    early, late = worker.arrivals
    assert before <= early <= between < late <= time.time()


async def test_a_drain_leaves_off_when_something_else_is_due_but_not_at_once(
    worker: Worker, relay: Relay
) -> None:
    worker.busy_at = 0.0
    sent = 3 * LEAST_BATCH
    for _ in range(sent):
        relay.send(worker, data(b"x"))
    sizes = [await asyncio.wait_for(worker.batches.get(), PATIENCE_S)]
    while len(worker.received) < sent:
        sizes.append(await asyncio.wait_for(worker.batches.get(), PATIENCE_S))
    assert sizes[0] == LEAST_BATCH


async def test_who_does_not_listen_hears_when_it_is_polled(worker: Worker, relay: Relay) -> None:
    worker.endpoint.listen(False)
    relay.send(worker, data(b"x"))
    await asyncio.sleep(0.05)
    assert worker.received == []
    worker.endpoint.poll()
    assert len(worker.received) == 1
    worker.endpoint.poll()
    assert len(worker.received) == 1
    worker.endpoint.listen(True)
    relay.send(worker, data(b"y"))
    await worker.batch()
    await worker.batch()
    assert len(worker.received) == 2


class TestAbroad:
    """Clients that came to a relay of another cluster, and through one of this one."""

    FAR: Address = ("10.9.1.1", 4001)
    FAR_EPOCH = 50

    def from_far(self, *frames: Frame) -> list[Frame]:
        return [FromRelay(self.FAR, self.FAR_EPOCH).frame(), *frames]

    def to_far(self, frames: list[Frame]) -> list[Frame]:
        """What followed TO_RELAY."""
        assert read_transit(frames[0]) == ToRelay(self.FAR)
        return frames[1:]

    async def meet(self, worker: Worker, gateway: Relay) -> list[Frame]:
        """Answer its probe; what it tells then."""
        gateway.send(worker, *self.from_far(data(b"first")))
        await worker.batch()
        hello = None
        async with asyncio.timeout(PATIENCE_S):
            while hello is None:
                worker.endpoint.tick()
                await asyncio.sleep(0.002)
                asked = [frames for frames in gateway.pending() if len(frames) > 1]
                told = [f for frames in asked if frames[0].client == self.FAR for f in frames]
                hello = next((f for f in told if f.type is FrameType.HELLO), None)
        gateway.send(worker, *self.from_far(control_frame(Hello.decode(hello.payload))))
        await worker.batch()
        return [frame for frames in gateway.pending() for frame in frames]

    async def test_they_are_answered_the_way_they_came(self, worker: Worker, relay: Relay) -> None:
        relay.send(worker, *self.from_far(data(b"one"), data(b"two")))
        await worker.batch()
        assert worker.received == [(b"one", CLIENT, self.FAR), (b"two", CLIENT, self.FAR)]
        assert (worker.counters.received, worker.counters.received_datagrams) == (2, 1)
        relay.pending()
        worker.endpoint.send(b"hello", CLIENT, self.FAR)
        worker.endpoint.flush()
        assert self.to_far(relay.take()) == [data(b"hello")]
        worker.endpoint.close()

    async def test_their_relay_is_told_of_them_alone(self, worker: Worker, relay: Relay) -> None:
        await worker.meet(relay)
        other: Address = ("192.0.2.8", 1)
        worker.announcer.bind(other, ssrcs=(), confirmed=True)
        worker.announcer.bind(CLIENT, ssrcs=(5,), confirmed=True)
        worker.endpoint.flush()
        told = await self.meet(worker, relay)
        bound = [f.client for f in told if f.type is FrameType.BIND]
        at = next(i for i, f in enumerate(told) if f.type is FrameType.TO_RELAY)
        assert other not in bound[-1:]
        assert [f.type for f in told[at : at + 3]] == [
            FrameType.TO_RELAY,
            FrameType.RESET,
            FrameType.BIND,
        ]
        worker.announcer.unbind(other, UnbindReason.CLOSED)
        worker.announcer.unbind(CLIENT, UnbindReason.CLOSED)
        worker.endpoint.flush()
        home, far = relay.pending()
        assert [frame.client for frame in home] == [other, CLIENT]
        assert self.to_far(far) == [control_frame(Unbind(UnbindReason.CLOSED), CLIENT)]
        worker.endpoint.close()

    async def test_a_bound_client_that_comes_from_abroad_is_announced_there(
        self, worker: Worker, relay: Relay
    ) -> None:
        await worker.meet(relay)
        worker.announcer.bind(CLIENT, ssrcs=(), confirmed=True)
        worker.endpoint.flush()
        relay.pending()
        relay.send(worker, *self.from_far(data(b"here I am")))
        await worker.batch()
        frames = [frames for frames in relay.pending() if frames[0].type is FrameType.TO_RELAY]
        assert control_frame(Bind(LIFETIME_S, True, ()), CLIENT) in [f for fs in frames for f in fs]
        worker.endpoint.close()

    async def test_none_of_this_cluster_becomes_one_of_another(
        self, worker: Worker, relay: Relay, sibling: Relay
    ) -> None:
        await worker.meet(relay, sibling)
        await worker.answer_probe(sibling)
        relay.send(worker, FromRelay(sibling.address, 1).frame(), data(b"a lie"))
        await worker.batch()
        assert not worker.directory.is_remote(sibling.address)
        assert worker.counters.faults[TunnelFault.FRAME] == 1
        worker.endpoint.send(b"to a client", CLIENT, sibling.address)
        worker.endpoint.flush()
        assert [data(b"to a client")] in sibling.pending()
        worker.endpoint.close()

    async def test_a_sibling_of_the_gateway_stands_in(
        self, worker: Worker, relay: Relay, sibling: Relay
    ) -> None:
        await worker.meet(relay, sibling)
        await worker.answer_probe(sibling)
        relay.send(worker, *self.from_far(data(b"one")))
        await worker.batch()
        async with asyncio.timeout(PATIENCE_S):
            while worker.directory.answering(relay.address):
                worker.endpoint.tick()
                await asyncio.sleep(0.02)
                if (nonce := sibling.asked()) is not None:
                    sibling.send(worker, control_frame(Hello(nonce, ())))
        sibling.pending()
        worker.endpoint.send(b"hello", CLIENT, self.FAR)
        worker.endpoint.flush()
        assert self.to_far(sibling.take()) == [data(b"hello")]
        worker.endpoint.close()

    @pytest.mark.parametrize(
        "first", [ToRelay(FAR).frame(), Frame(FrameType.FROM_RELAY, FAR, b"short")]
    )
    async def test_what_no_relay_of_ours_sends_is_counted(
        self, worker: Worker, relay: Relay, first: Frame
    ) -> None:
        relay.send(worker, first, data(b"one"))
        relay.send(worker, *self.from_far(control_frame(Leased(1, ("192.0.2.1", 1)))))
        relay.send(worker, data(b"after"))
        while not worker.received:
            await worker.batch()
        assert worker.received == [(b"after", CLIENT, relay.address)]
        assert worker.counters.faults[TunnelFault.FRAME] == 2
        worker.endpoint.close()
