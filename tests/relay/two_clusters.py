"""Relays of two clusters and an owner of the second, on a network that a test can cut."""

from collections import deque
from collections.abc import Callable, Iterable
from itertools import count

from antiphon_proto.address import Address
from antiphon_proto.demux import PacketKind
from antiphon_proto.tunnel import Frame, FrameType, TunnelReceiver, TunnelSender
from antiphon_proto.tunnel_control import ControlMessage, control_frame
from antiphon_proto.tunnel_transit import FromRelay, ToRelay, TransitSender, read_transit
from relay.drop_reason import DropReason
from relay.failure_limiter import FailureLimiter
from relay.flow_table import FlowTable
from relay.owner_allow_list import OwnerAllowList
from relay.remote_clusters import PROBE_INTERVAL_S, RemoteClusters
from relay.router import Router
from relay.verdicts import Answer, Delivery, Forward, FromTunnel, Transit

EDGE_CLUSTER, HOME_CLUSTER = 1, 2
EDGE: Address = ("10.9.1.1", 4001)
HOME: Address = ("10.9.2.1", 4001)
OTHER_HOME: Address = ("10.9.2.2", 4001)
OWNER: Address = ("10.0.0.5", 7000)
CLIENT: Address = ("203.0.113.7", 50_000)
RELAYS = OwnerAllowList.parse("10.9.0.0/16")
OWNERS = OwnerAllowList.parse("10.0.0.0/24")
OWNER_EPOCH = 77
UNIX_NOW = 1_800_000_000.0


class RelaySide:
    """One relay worker."""

    def __init__(
        self,
        keys,
        cluster_id: int,
        address: Address,
        epoch: int,
        *,
        clusters: frozenset[int] = frozenset((EDGE_CLUSTER, HOME_CLUSTER)),
        name: Address | None = None,
        siblings: tuple[Address, ...] = (),
    ) -> None:
        self.keys, self.cluster_id, self.address, self.epoch = keys, cluster_id, address, epoch
        self.flows = FlowTable(max_flows=100)
        self.remote = None
        if clusters:
            nonces = count(1000 * epoch)
            self.remote = RemoteClusters(
                cluster_id,
                name or address,
                lambda: next(nonces),
                clusters=clusters,
                siblings=siblings,
            )
        self.router = Router(
            keys,
            cluster_id=cluster_id,
            owners=OWNERS,
            flows=self.flows,
            limiter=FailureLimiter(),
            families=frozenset({4}),
            tunnel=address,
            siblings=(),
            epoch=epoch,
            remote=self.remote,
            remote_relays=RELAYS,
        )

    def sender_to(self, peer: Address) -> TunnelSender:
        return self.router.sender_to(peer)


class TwoClusters:
    """Datagrams go round until there are none left; what ends somewhere is noted."""

    def __init__(self, cluster) -> None:
        self.cluster, self.keys = cluster, cluster.keys
        self.now = 1000.0
        self.relays: dict[Address, RelaySide] = {}
        self.edge = self.add(EDGE_CLUSTER, EDGE)
        self.home = self.add(HOME_CLUSTER, HOME)
        self.other_home = self.add(HOME_CLUSTER, OTHER_HOME)
        self.ufrag = cluster.ufrag(OWNER, cluster_id=HOME_CLUSTER)
        self.check = cluster.check(self.ufrag)
        self.owner_heard: list[tuple[Address, Address, list[Frame]]] = []
        """Of each datagram in transit to the owner: by which relay, from which, and its frames."""
        self.delivered: list[tuple[Address, Delivery]] = []
        self.drops: list[tuple[Address, DropReason]] = []
        self.passed: list[Address] = []
        """The relay of each Transit verdict."""
        self.edge_epochs: list[int] = []
        self._receiver = TunnelReceiver(self.keys, OWNER)
        self._on_the_way: deque[tuple[bytes, Address, Address]] = deque()
        self.name_all()

    def add(self, cluster_id: int, address: Address, **settings) -> RelaySide:
        """A relay worker that starts, in the place of one that was there."""
        epoch = 10 * len(self.relays) + cluster_id + 100 * (address in self.relays)
        self.relays[address] = RelaySide(self.keys, cluster_id, address, epoch, **settings)
        return self.relays[address]

    def name_all(self) -> None:
        found = {
            cluster: tuple(a for a, each in self.relays.items() if each.cluster_id == cluster)
            for cluster in (EDGE_CLUSTER, HOME_CLUSTER)
        }
        for each in self.relays.values():
            if each.remote is not None:
                each.remote.name(found, self.now)

    def probe(self, rounds: int = 2, silent: Iterable[Address] = ()) -> None:
        """Relays probe each other; `silent` ones hear nothing."""
        for _ in range(rounds):
            self.now += PROBE_INTERVAL_S
            for address, relay in list(self.relays.items()):
                if relay.remote is None or address in silent:
                    continue
                for to, probe in relay.remote.due(self.now):
                    if to not in silent:
                        self.send(relay.sender_to(to).encode([control_frame(probe)]), address, to)
            self.settle()

    def from_client(
        self, datagram: bytes, client: Address = CLIENT, at: Address = EDGE
    ) -> Forward | DropReason:
        verdict = self.relays[at].router.from_client(datagram, client, self.now, UNIX_NOW)
        if isinstance(verdict, Forward):
            self.send(verdict.datagram, at, verdict.to)
            self.settle()
        return verdict

    def from_owner(
        self, *frames: Frame, via: Address = HOME, edge: Address = EDGE, epoch: int = OWNER_EPOCH
    ) -> None:
        sender = TransitSender(TunnelSender(self.keys, epoch, via), ToRelay(edge))
        self.send(sender.encode(frames), OWNER, via)
        self.settle()

    def tell(self, message: ControlMessage, client: Address = CLIENT, **ways) -> None:
        self.from_owner(control_frame(message, client), **ways)

    def answer(self, payload: bytes, client: Address = CLIENT, **ways) -> None:
        self.from_owner(Frame(FrameType.DATA, client, payload), **ways)

    def send(self, datagram: bytes, source: Address, to: Address) -> None:
        self._on_the_way.append((datagram, source, to))

    def settle(self) -> None:
        handlers: dict[type, Callable[[Address, FromTunnel], None]] = {
            Delivery: self._note_delivery,
            DropReason: self._note_drop,
            Transit: self._pass_on,
            Answer: self._pass_on,
        }
        steps = 0
        while self._on_the_way:
            datagram, source, to = self._on_the_way.popleft()
            steps += 1
            assert steps < 1000, "a loop"
            if to == OWNER:
                self._note_owner(datagram, source)
            elif to in self.relays:
                for verdict in self.relays[to].router.from_tunnel(datagram, source, self.now):
                    handlers[type(verdict)](to, verdict)

    def _note_delivery(self, at: Address, verdict: Delivery) -> None:
        self.delivered.append((at, verdict))

    def _note_drop(self, at: Address, verdict: DropReason) -> None:
        self.drops.append((at, verdict))

    def _pass_on(self, at: Address, verdict: Transit | Answer) -> None:
        if isinstance(verdict, Transit):
            self.passed.append(at)
        self.send(verdict.datagram, at, verdict.to)

    def _note_owner(self, datagram: bytes, source: Address) -> None:
        _epoch, frames = self._receiver.decode(datagram)
        way = read_transit(frames[0])
        assert isinstance(way, FromRelay)
        self.edge_epochs.append(way.epoch)
        self.owner_heard.append((source, way.relay, frames[1:]))


def data(payload: bytes, client: Address = CLIENT) -> Frame:
    return Frame(FrameType.DATA, client, payload)


def kinds(delivered: list[tuple[Address, Delivery]]) -> list[PacketKind]:
    return [each.kind for _at, each in delivered]
