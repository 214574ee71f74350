"""What a relay worker may meet: calls, what owners say, and all that can be wrong with either.

`Traffic` draws it from a seed, a step at a time. Most packets belong to calls that go
on, so that hostile ones meet tables with something in them.
"""

import binascii
import hmac
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from random import Random

from antiphon_proto import stun
from antiphon_proto.address import Address
from antiphon_proto.cluster_keys import ClusterKeys
from antiphon_proto.tunnel import Frame, FrameType, TunnelSender, port_payload
from antiphon_proto.tunnel_control import (
    Bind,
    ControlMessage,
    Hello,
    Lease,
    Probe,
    Probed,
    Release,
    Reset,
    Unbind,
    UnbindReason,
    control_frame,
)
from antiphon_proto.tunnel_transit import (
    FromOwner,
    FromRelay,
    ToOwner,
    ToRelay,
    TransitSender,
    Way,
)
from antiphon_proto.ufrag import RANDOM_BYTES, SHORT_LIFETIME_S, Owner, UfragMinter, UfragReader
from relay.receive_buffers import PUBLIC_BYTES
from relay.remote_clusters import RemoteClusters
from tests.fuzz.run import mutated

UNIX_START = 1_800_000_000
MAX_BATCH = 256
PHONE_PORTS = (40_001, 40_002, 40_003)
REMOTE_CLUSTER, SILENT_CLUSTER = 2, 3
"""Clusters whose relays are known, and whose are not."""

OLD_KEYS = ClusterKeys.parse(ClusterKeys.generate(bytes(range(32))))
NEW_KEYS = ClusterKeys.parse("3 ipv4 " + "ab" * 32 + "\n4 ipv6 " + "ab" * 32)
BOTH_KEYS = ClusterKeys((*NEW_KEYS.configs, *OLD_KEYS.configs))
STRANGERS = ClusterKeys.parse(ClusterKeys.generate(bytes(32)))

Arrivals = tuple[tuple[bytes, Address], ...]
"""Datagrams with their sources."""


@dataclass(frozen=True, slots=True)
class FromClients:
    """What waits in a public socket."""

    arrivals: Arrivals


@dataclass(frozen=True, slots=True)
class FromOwners:
    """What waits in the tunnel socket."""

    arrivals: Arrivals


@dataclass(frozen=True, slots=True)
class Wait:
    seconds: float


@dataclass(frozen=True, slots=True)
class Sweep:
    pass


@dataclass(frozen=True, slots=True)
class Drain:
    """Draining starts, or is called off."""

    draining: bool


@dataclass(frozen=True, slots=True)
class Reload:
    keys: ClusterKeys


@dataclass(frozen=True, slots=True)
class HandOver:
    """Successors take over with empty tables and routers of their own."""


@dataclass(frozen=True, slots=True)
class ProbeRelays:
    """Relays of other clusters are probed, and all but the silent ones answer."""

    silent: frozenset[Address]


Step = FromClients | FromOwners | Wait | Sweep | Drain | Reload | HandOver | ProbeRelays


@dataclass(frozen=True, slots=True)
class Session:
    """What a client knows of its call."""

    owner: Address
    cluster: int
    ufrag: bytes
    checks: tuple[bytes, ...]


class World:
    """Who there is, drawn from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random = Random(f"world {seed}")
        self.families = random.choice([frozenset({4}), frozenset({6}), frozenset({4, 6})])
        self.max_flows = random.choice([12, 30, 200])
        self.max_ssrcs = random.choice([10, 100])
        ipv6 = random.random() < 0.3
        self.tunnel: Address = ("fd00::9", 4001) if ipv6 else ("10.0.1.1", 4001)
        self.siblings: tuple[Address, ...] = (("10.0.1.1", 4002), ("fd00::9", 4002))
        self.owners: list[Address] = [
            (f"fd00::{number}" if ipv6 else f"10.0.0.{number}", 4000 + number % 2)
            for number in range(1, 6)
        ]
        self.owners.append((self.owners[0][0], 5000))
        self.foreign_owners: list[Address] = [
            ("8.8.8.8", 4000),
            ("2001:db8::5", 4000),
            ("10.0.0.9", 4000) if ipv6 else ("fd00::99", 4000),
        ]
        clients: list[Address] = [
            *((f"203.0.113.{number}", 50_000) for number in range(10)),
            *(("198.51.100.7", 1000 + number) for number in range(6)),
            *((f"2001:db8::{number:x}", 50_000) for number in range(1, 9)),
            ("::ffff:203.0.113.1", 50_000),
            ("::cb00:7101", 50_000),
        ]
        unserved = [client for client in clients if _family(client) not in self.families]
        self.clients = [client for client in clients if client not in unserved[2:]]
        self.attackers: list[Address] = [
            *((f"192.0.2.{number}", 6666) for number in range(8)),
            *((f"2001:db8:66::{number:x}", 6666) for number in range(1, 9)),
        ]
        self.ssrcs = [random.getrandbits(32) for _ in self.clients]
        self._in_transit = random.random() < 0.8
        """Whether there are other clusters."""
        self.name: Address = (self.tunnel[0], 4101)
        """What they call this relay."""
        self.relays: list[Address] = [
            (f"fd00:9::{number}" if ipv6 else f"10.9.0.{number}", 4001) for number in (1, 2, 3)
        ]
        """Of cluster 2, and the last of this cluster."""
        self.relays_siblings: tuple[Address, ...] = ((self.relays[0][0], 4002),)
        self.stranger_relays: list[Address] = [("9.9.9.9", 4001), self.foreign_owners[-1]]

    def remote(self) -> RemoteClusters | None:
        """The other clusters, as a worker that starts knows them."""
        if not self._in_transit:
            return None
        clusters = frozenset((0, REMOTE_CLUSTER, SILENT_CLUSTER))
        nonces = count(1)
        remote = RemoteClusters(
            0, self.name, lambda: next(nonces), clusters=clusters, siblings=self.siblings
        )
        remote.name({0: self.relays[2:], REMOTE_CLUSTER: self.relays[:2]}, 0.0)
        return remote


class Traffic:
    """The steps of one world, without end."""

    def __init__(self, world: World, seed: int) -> None:
        self._world = world
        self._random = Random(f"traffic {seed}")
        self._sessions = [
            self._session(owner, OLD_KEYS if number % 3 else NEW_KEYS, number // 6 * REMOTE_CLUSTER)
            for number in range(9)
            for owner in world.owners
        ]
        self._good_checks = [each for session in self._sessions for each in session.checks]
        self._bad_checks = list(self._draw_bad_checks())
        self._in_call = {client: self._random.choice(self._sessions) for client in world.clients}
        counters = count(1)
        self._senders = [
            (owner, TunnelSender(OLD_KEYS, epoch, world.tunnel, counters))
            for owner in (*world.owners, *world.foreign_owners)
            for epoch in (1, (1 << 64) - owner[1], self._random.getrandbits(64))
        ]
        self._remote_senders = {
            owner: [
                (relay, TransitSender(TunnelSender(OLD_KEYS, relay[1], to, counters), way))
                for relay in world.relays[:2]
                for to in (world.tunnel, world.name)
                for way in (
                    FromOwner(owner, REMOTE_CLUSTER, 7),
                    FromOwner(owner, REMOTE_CLUSTER, 7),
                    FromOwner(owner, REMOTE_CLUSTER, 8),
                )
            ]
            for owner in world.owners
        }
        self._counters = counters
        self._strangers = [
            TunnelSender(STRANGERS, 1, world.tunnel),
            TunnelSender(OLD_KEYS, 1, world.siblings[0]),
            TunnelSender(NEW_KEYS, 1, world.tunnel),
        ]
        self._leases: list[tuple[Address, TunnelSender, Lease]] = []
        self._told: list[tuple[bytes, Address]] = []
        self._client_packets = _weighted(
            (32, self._media),
            (10, self._control_media),
            (8, self._dtls),
            (10, self._own_check),
            (3, self._any_check),
            (3, self._unproven_check),
            (3, self._bad_check),
            (7, self._response),
            (8, self._made_up_stun),
            (12, self._changed),
            (2, self._noise),
            (1, self._large),
        )
        self._owner_packets = _weighted(
            (60, self._data),
            (14, self._bind),
            (2, self._unbind),
            (1, self._reset),
            (2, self._probe),
            (3, self._lease),
            (1, self._release),
            (4, self._phone_data),
            (4, self._mixed),
            (16, self._to_owner),
            (12, self._to_relay),
            (4, self._changed_transit),
            (2, self._odd_transit),
            (3, self._between_relays),
            (3, self._replay),
            (10, self._changed_data),
            (2, self._changed_control),
            (2, self._stranger_s_data),
            (1, self._noise_in_the_tunnel),
        )

    def steps(self) -> Iterator[Step]:
        random = self._random
        yield ProbeRelays(frozenset(self._world.relays[: random.choice([0, 0, 0, 1, 2])]))
        while True:
            yield Wait(random.choice([0.0, 0.001, 0.01, 0.03, random.random() / 10]))
            yield self._batch()
            yield from self._events()

    def _batch(self) -> FromClients | FromOwners:
        if self._random.random() < 0.6:
            return FromClients(self._client_batch())
        return FromOwners(
            tuple(self._random.choice(self._owner_packets)() for _ in range(self._size(0.3)))
        )

    def _events(self) -> Iterator[Step]:
        random, lot = self._random, self._random.random()
        if lot < 0.02:
            yield Sweep()
        elif lot < 0.028:
            yield Wait(random.choice([1.0, 5.0, 29.5, 31.0, 61.0]))
        elif lot < 0.031:
            yield Drain(draining=True)
            yield from (self._batch() for _ in range(20))
            yield Drain(draining=random.random() < 0.1)
        elif lot < 0.034:
            yield Reload(random.choice([OLD_KEYS, BOTH_KEYS, BOTH_KEYS, NEW_KEYS]))
            yield from (self._batch() for _ in range(5))
            yield Reload(BOTH_KEYS)
        elif lot < 0.035:
            yield HandOver()
        elif lot < 0.065:
            relays = self._world.relays
            yield ProbeRelays(frozenset(relay for relay in relays if random.random() < 0.2))

    def _size(self, large: float) -> int:
        """Of a batch: one in every second, which shows each verdict by itself."""
        if self._random.random() < 0.5:
            return 1
        limit = 16 if self._random.random() > 0.02 else round(MAX_BATCH * large)
        return self._random.randint(2, limit)

    # From clients.

    def _client_batch(self) -> Arrivals:
        random = self._random
        lot = random.random()
        if lot < 0.004:
            return self._media_flood()
        if lot < 0.008:
            return self._forgers_flood()
        return tuple(
            (random.choice(self._client_packets)(client), client)
            for client in (self._source() for _ in range(self._size(1.0)))
        )

    def _source(self) -> Address:
        pool = self._world.clients if self._random.random() < 0.9 else self._world.attackers
        return self._random.choice(pool)

    def _media_flood(self) -> Arrivals:
        """One announced source from many addresses."""
        packet = self._rtp(self._random.choice(self._world.ssrcs))
        return tuple((packet, ("192.0.2.66", port)) for port in range(1, 150))

    def _forgers_flood(self) -> Arrivals:
        """Bad checks from all over a network."""
        prefix = self._random.choice(["192.0.2.", "198.51.100.", "2001:db8:66::"])
        return tuple(
            (self._random.choice(self._bad_checks), (f"{prefix}{number}", 7))
            for number in range(1, 120)
        )

    def _ssrc(self, client: Address) -> int:
        clients = self._world.clients
        if client in clients and self._random.random() < 0.8:
            return self._world.ssrcs[clients.index(client)]
        return self._random.choice(self._world.ssrcs)

    def _media(self, client: Address) -> bytes:
        return self._rtp(self._ssrc(client))

    def _rtp(self, ssrc: int) -> bytes:
        size = self._random.choice([0, 1, 40, 160, 160, 160, 1200])
        return b"\x80\x6f\x00\x01\x00\x00\x00\x02" + ssrc.to_bytes(4, "big") + bytes(size)

    def _control_media(self, client: Address) -> bytes:
        packet = b"\x80\xc9\x00\x07" + self._ssrc(client).to_bytes(4, "big") + bytes(24)
        return packet[: self._random.choice([4, 7, 8, 32, 32, 32])]

    def _dtls(self, _client: Address) -> bytes:
        return b"\x16\xfe\xfd" + bytes(self._random.choice([10, 100, 1200]))

    def _own_check(self, client: Address) -> bytes:
        session = self._in_call.get(client) or self._random.choice(self._sessions)
        return self._random.choice(session.checks)

    def _any_check(self, client: Address) -> bytes:
        """Of another call, which the client may take part in from now on."""
        session = self._random.choice(self._sessions)
        if client in self._in_call and self._random.random() < 0.3:
            self._in_call[client] = session
        return self._random.choice(session.checks)

    def _unproven_check(self, client: Address) -> bytes:
        session = self._in_call.get(client) or self._random.choice(self._sessions)
        return _fingerprinted(_message(1, [(stun.USERNAME, session.ufrag + b":anyone")]))

    def _bad_check(self, _client: Address) -> bytes:
        return self._random.choice(self._bad_checks)

    def _response(self, client: Address) -> bytes:
        host = self._random.choice(["192.0.2.1", "2001:db8::1"])
        return self._random.choice(
            [
                stun.binding_success(bytes(12), mapped=(host, 9), password=b"any"),
                stun.binding_error(bytes(12), code=487, reason="conflict", password=b"any"),
                _fingerprinted(_message(0x0011, [])),
            ]
        )

    def _made_up_stun(self, client: Address) -> bytes:
        """Attributes of any kind in any order, most of them of their proper length."""
        random = self._random
        session = self._in_call.get(client) or random.choice(self._sessions)
        attributes = []
        for _ in range(random.randint(0, 6)):
            kind, sizes = random.choice(_ATTRIBUTES)
            value = random.randbytes(random.choice(sizes))
            if kind == stun.USERNAME and random.random() < 0.8:
                value = session.ufrag + random.choice([b":", b"", b":a:b", b":" + value])
            elif kind == stun.XOR_MAPPED_ADDRESS and len(value) > 1 and random.random() < 0.8:
                value = bytes((value[0], 1 if len(value) == 8 else 2)) + value[2:]
            elif kind == stun.ERROR_CODE and random.random() < 0.7:
                value = b"\x00\x00\x04\x57" + value
            attributes.append((kind, value))
        message = _message(random.choice(_MESSAGE_TYPES), attributes)
        lot = random.random()
        if lot < 0.2:
            message = _signed(message, UfragReader(BOTH_KEYS).password(session.ufrag))
        elif lot < 0.3:
            # One that matches, but is not the last attribute.
            return _fingerprinted(message, following=4) + b"\x80\x22\x00\x00"
        return _fingerprinted(message) if random.random() < 0.6 else message

    def _changed(self, client: Address) -> bytes:
        packet = mutated(
            self._random,
            [self._own_check(client), self._media(client), self._response(client)],
        )
        lot = self._random.random()
        if lot < 0.3 and len(packet) >= 20:
            packet = packet[:2] + (len(packet) - 20 & 0xFFFF).to_bytes(2, "big") + packet[4:]
        if lot < 0.15:
            packet = _fingerprinted(packet)
        return packet

    def _noise(self, _client: Address) -> bytes:
        return self._random.randbytes(self._random.choice([0, 1, 2, 3, 7, 8, 11, 12, 19, 20, 200]))

    def _large(self, client: Address) -> bytes:
        size = PUBLIC_BYTES + self._random.randint(-2, 2)
        return self._rtp(self._ssrc(client)).ljust(size, b"\0")[:size]

    def _session(self, owner: Address, keys: ClusterKeys, cluster: int) -> Session:
        random = self._random
        ufrag = _ufrag(owner, keys, random, cluster_id=cluster)
        return Session(
            owner,
            cluster,
            ufrag,
            tuple(
                _check(ufrag, UfragReader(keys).password(ufrag), random, peer)
                for peer in (b":peer", b":" + bytes(random.randint(0, 60)))
            ),
        )

    def _draw_bad_checks(self) -> Iterator[bytes]:
        random, world = self._random, self._world
        good, passwords = self._sessions[0].ufrag, UfragReader(BOTH_KEYS)
        ufrags = [
            _ufrag(world.owners[0], OLD_KEYS, random, not_after=UNIX_START - 60),
            _ufrag(world.owners[0], OLD_KEYS, random, cluster_id=9),
            _ufrag(world.owners[0], OLD_KEYS, random, cluster_id=SILENT_CLUSTER),
            *(_ufrag(owner, OLD_KEYS, random) for owner in world.foreign_owners),
            good[:-1],
            good[:-1] + b"!",
            good[:1],
        ]
        for ufrag in ufrags:
            yield _check(ufrag, passwords.password(ufrag), random)
        stranger = _ufrag(world.owners[0], STRANGERS, random)
        yield _check(stranger, UfragReader(STRANGERS).password(stranger), random)
        yield _check(b"/" + good[1:], b"any", random)
        yield _check(b"", b"any", random)
        yield _check(good, b"forged", random)
        yield _fingerprinted(_message(3, [(stun.USERNAME, good + b":x")]))
        yield _fingerprinted(_message(1, [(stun.USERNAME, b"alice")]))

    # From owners.

    def _sender(self) -> tuple[Address, TunnelSender]:
        """An owner in one of its lives; its first is the usual one."""
        usual = 3 * self._random.randrange(len(self._world.owners))
        lot = self._random.random()
        if lot < 0.85:
            return self._senders[usual]
        return self._senders[usual + 1] if lot < 0.97 else self._random.choice(self._senders)

    def _owner_of(self, client: Address) -> tuple[Address, TunnelSender | TransitSender]:
        """The owner of the call that a client takes part in, or a relay that speaks for it."""
        session = self._in_call.get(client)
        if session is None or self._random.random() < 0.1:
            return self._sender()
        if session.cluster:
            return self._random.choice(self._remote_senders[session.owner])
        return self._senders[3 * self._world.owners.index(session.owner)]

    def _client(self) -> Address:
        return self._random.choice(self._world.clients)

    def _data_frame(self) -> Frame:
        size = self._random.choice([0, 1, 2, 12, 60, 160, 160, 160, 1200])
        head = self._random.choice([b"\x80\x6f", b"\x80\xc9", b"\x16\xfe", b"\x00\x01", b"\xff"])
        return Frame(FrameType.DATA, self._source(), (head + bytes(size))[:size])

    def _data(self) -> tuple[bytes, Address]:
        owner, sender = self._sender()
        frames = self._random.choice([1, 1, 1, 2, 5, 12])
        if self._random.random() < 0.003:
            frames = 300
        return sender.encode([self._data_frame() for _ in range(frames)])[:65_000], owner

    def _tell(self, *messages: tuple[ControlMessage, Address] | Frame) -> tuple[bytes, Address]:
        first = next(each for each in messages if not isinstance(each, Frame))
        owner, sender = self._owner_of(first[1])
        datagram = sender.encode(
            [each if isinstance(each, Frame) else control_frame(*each) for each in messages]
        )
        self._told = [*self._told[-20:], (datagram, owner)]
        return datagram, owner

    def _bind(self) -> tuple[bytes, Address]:
        return self._tell(*(self._binding() for _ in range(self._random.choice([1, 1, 1, 3, 20]))))

    def _binding(self) -> tuple[Bind, Address]:
        random, client = self._random, self._client()
        ssrcs = [self._ssrc(client) for _ in range(random.choice([0, 1, 2, 10]))]
        lifetime = random.choice([0, 1, 5, *[30] * 8, 65_535])
        lot = random.random()
        return Bind(lifetime, lot < 0.7, tuple(ssrcs), lot > 0.85), client

    def _unbind(self) -> tuple[bytes, Address]:
        return self._tell((Unbind(self._random.choice(list(UnbindReason))), self._client()))

    def _reset(self) -> tuple[bytes, Address]:
        return self._tell((Reset(self._random.randrange(256)), self._client()))

    def _lease(self) -> tuple[bytes, Address]:
        random = self._random
        sources = random.choices([*self._world.clients, ("0.0.0.0", 0)], k=random.randint(0, 4))
        lease = Lease(
            random.randrange(6),
            random.choice([0, 5, 30, 30]),
            random.choice([0, 0, 0, *PHONE_PORTS, 9]),
            tuple(sources),
        )
        owner, sender = self._sender()
        self._leases = [*self._leases[-3:], (owner, sender, lease)]
        return sender.encode([control_frame(lease)]), owner

    def _release(self) -> tuple[bytes, Address]:
        return self._tell((Release(self._random.randrange(6)), self._client()))

    def _phone_data(self) -> tuple[bytes, Address]:
        """Over phone ports, and sometimes among data that is not."""
        owner, sender = self._sender()
        clients: tuple[Address, ...] = (self._source(),)
        if self._leases and self._random.random() < 0.8:
            owner, sender, lease = self._random.choice(self._leases)
            clients = lease.sources or clients
        frames = []
        for port in self._random.choice([PHONE_PORTS, PHONE_PORTS[:1], (9,)]):
            data, cut = self._data_frame(), self._random.choice([1, *[3000] * 15])
            payload = port_payload(port, data.payload)[:cut]
            client = self._random.choice(clients)
            frames.append(Frame(FrameType.PORT_DATA, client, payload))
        if self._random.random() < 0.4:
            frames.append(self._data_frame())
            self._random.shuffle(frames)
        return sender.encode(frames), owner

    def _probe(self) -> tuple[bytes, Address]:
        return self._tell((Hello(self._random.choice([0, 1, 1 << 63]), ()), self._client()))

    def _mixed(self) -> tuple[bytes, Address]:
        """Data among control frames."""
        parts: list[tuple[ControlMessage, Address] | Frame] = [
            self._binding(),
            self._data_frame(),
            (Hello(7, ()), self._client()),
            self._data_frame(),
            self._binding(),
        ]
        self._random.shuffle(parts)
        return self._tell(*parts)

    def _replay(self) -> tuple[bytes, Address]:
        if not self._told:
            return self._bind()
        datagram, owner = self._random.choice(self._told)
        return datagram, self._random.choice([owner, *self._world.owners])

    # In transit.

    def probed(self, probe: Probe) -> bytes:
        """A relay's answer."""
        sender = TunnelSender(OLD_KEYS, 1, self._world.tunnel, self._counters)
        return sender.encode([control_frame(Probed(probe.nonce, self._world.relays_siblings))])

    def _to_owner(self) -> tuple[bytes, Address]:
        """From another cluster's relay to an owner of this one."""
        random, world = self._random, self._world
        lot = random.random()
        owner = random.choice(world.owners[:3] if lot < 0.96 else world.foreign_owners)
        relay = world.relays[lot < 0.3] if lot > 0.04 else random.choice(world.stranger_relays)
        cluster = 0 if random.random() < 0.96 else random.choice([1, REMOTE_CLUSTER])
        source = relay if random.random() < 0.9 else random.choice(world.stranger_relays)
        way = ToOwner(owner, cluster, relay)
        more = [control_frame(Hello(random.choice([0, 9]), ()))] if random.random() < 0.15 else []
        return self._transit(way, random.choice([1, 2]), more), source

    def _to_relay(self) -> tuple[bytes, Address]:
        """From an owner of this cluster to another's relay."""
        random, world = self._random, self._world
        lot = random.random()
        owner = random.choice(world.owners[:3] if lot < 0.95 else world.foreign_owners)
        relay = world.relays[lot < 0.3] if lot > 0.04 else random.choice(world.stranger_relays)
        client = self._client()
        told = [control_frame(*self._binding()), control_frame(Unbind(UnbindReason.MOVED), client)]
        more = random.choices(told, k=2) if random.random() < 0.15 else []
        return self._transit(ToRelay(relay), 1, more), owner

    def _odd_transit(self) -> tuple[bytes, Address]:
        """Ways and frames that do not go together, and clusters that nobody named."""
        random, world = self._random, self._world
        owner, relay = random.choice(world.owners), world.relays[0]
        way = random.choice(
            [
                FromRelay(relay, 5),
                FromOwner(owner, 9, 5),
                ToOwner(owner, 0, relay),
                ToRelay(relay),
                FromOwner(owner, REMOTE_CLUSTER, 5),
            ]
        )
        odd = Frame(FrameType.PORT_DATA, self._client(), port_payload(PHONE_PORTS[0], b"\x80\x6f"))
        frame = random.choice([odd, odd, control_frame(Release(1)), self._data_frame()])
        source = random.choice([relay, owner, world.stranger_relays[0]])
        return self._transit(way, 1, [frame]), source

    def _transit(self, way: Way, epoch: int, more: Sequence[Frame]) -> bytes:
        random, world = self._random, self._world
        to = world.name if random.random() < 0.2 and isinstance(way, ToOwner) else world.tunnel
        sender = TunnelSender(OLD_KEYS, epoch, to, self._counters)
        frames = [self._data_frame() for _ in range(random.choice([1, 1, 2, 5]))]
        return TransitSender(sender, way).encode([*frames, *more])

    def _changed_transit(self) -> tuple[bytes, Address]:
        """Behind a good header: where lengths, types, families and the way itself are."""
        random = self._random
        datagram, source = self._to_owner() if random.random() < 0.5 else self._to_relay()
        header, frames = datagram[:20], bytearray(datagram[20:])
        lot = random.random()
        if lot < 0.5:
            frames[random.randrange(min(len(frames), 45))] ^= 1 << random.randrange(8)
        elif lot < 0.8:
            del frames[random.randint(0, min(len(frames), 60)) :]
        else:
            frames += frames[: random.randint(1, 40)]
        return header + bytes(frames), source

    def _between_relays(self) -> tuple[bytes, Address]:
        random, world = self._random, self._world
        probe = Probe(random.getrandbits(64), 0 if random.random() < 0.8 else REMOTE_CLUSTER)
        message = random.choice([probe, probe, Probed(random.getrandbits(64), world.siblings)])
        source = random.choice(world.relays if random.random() < 0.8 else world.stranger_relays)
        sender = TunnelSender(
            OLD_KEYS, 1, random.choice([world.tunnel, world.name]), self._counters
        )
        return sender.encode([control_frame(message)]), source

    def _changed_data(self) -> tuple[bytes, Address]:
        """Mostly behind a header that is good, and often where lengths and types are."""
        datagram, owner = self._data()
        if self._random.random() < 0.2:
            return mutated(self._random, [datagram]), owner
        header, frames = datagram[:20], bytearray(datagram[20:])
        lot = self._random.random()
        if lot < 0.3:
            frames[self._random.choice([0, 1, 2, 3])] ^= 1 << self._random.randrange(8)
        elif lot < 0.5:
            del frames[self._random.randint(0, min(len(frames), 40)) :]
        elif lot < 0.7:
            del frames[len(frames) - self._random.randint(0, 30) :]
        else:
            frames = bytearray(mutated(self._random, [bytes(frames)]))
        return header + bytes(frames), owner

    def _changed_control(self) -> tuple[bytes, Address]:
        datagram, owner = self._mixed()
        if self._random.random() < 0.5:
            # A member's frames that cannot be read; unprotected they are no control frames.
            return bytes((datagram[0] & ~1,)) + datagram[1:], owner
        return mutated(self._random, [datagram]), owner

    def _stranger_s_data(self) -> tuple[bytes, Address]:
        stranger = self._random.choice(self._strangers)
        frames = [self._data_frame()]
        if self._random.random() < 0.3:
            frames.append(control_frame(Reset(1)))
        return stranger.encode(frames), self._random.choice(self._world.owners)

    def _noise_in_the_tunnel(self) -> tuple[bytes, Address]:
        return self._noise(self._client()), self._random.choice(self._world.owners)


_MESSAGE_TYPES = (0x0001,) * 6 + (0x0101, 0x0111, 0x0011, 0x0003, 0x0013, 0x3FFF, 0x4001)

_ATTRIBUTES: Sequence[tuple[int, Sequence[int]]] = (
    (stun.USERNAME, (0, 5, 30)),
    (stun.USERNAME, (30,)),
    (stun.XOR_MAPPED_ADDRESS, (8, 8, 20, 20, 4, 3, 0)),
    (stun.ERROR_CODE, (0, 3, 4, 10)),
    (stun.PRIORITY, (4, 4, 4, 3)),
    (stun.ICE_CONTROLLING, (8, 8, 8, 0)),
    (stun.ICE_CONTROLLED, (8, 8, 8, 9)),
    (stun.USE_CANDIDATE, (0, 0, 0, 1)),
    (stun.MESSAGE_INTEGRITY, (20, 20, 20, 21)),
    (stun.FINGERPRINT, (4,)),
    (0x8022, (0, 1, 13)),
    (0x0013, (7,)),
)


def _family(address: Address) -> int:
    return 6 if ":" in address[0] else 4


def _weighted(*choices: tuple[int, Callable[..., object]]) -> list[Callable[..., object]]:
    return [choice for weight, choice in choices for _ in range(weight)]


def _ufrag(
    owner: Address,
    keys: ClusterKeys,
    random: Random,
    *,
    cluster_id: int = 0,
    not_after: int = UNIX_START + 10**8,
) -> bytes:
    minter, nonce = UfragMinter(keys), random.randbytes(RANDOM_BYTES)
    if keys is OLD_KEYS and ":" not in owner[0] and random.random() < 0.3:
        named = Owner(*owner, cluster_id, 0, min(not_after, UNIX_START + SHORT_LIFETIME_S // 2))
        return minter.mint_short(named, nonce).encode()
    return minter.mint(Owner(*owner, cluster_id, 0, not_after), nonce).encode()


def _check(ufrag: bytes, password: bytes, random: Random, peer: bytes = b":peer") -> bytes:
    return stun.binding_request(
        random.randbytes(12),
        username=ufrag + peer,
        password=password,
        priority=1,
        tie_breaker=2,
        controlling=random.random() < 0.5,
        use_candidate=random.random() < 0.3,
    )


def _message(message_type: int, attributes: Sequence[tuple[int, bytes]]) -> bytes:
    """Without integrity and fingerprint."""
    body = b"".join(
        struct.pack(">HH", kind, len(value)) + value + bytes(-len(value) % 4)
        for kind, value in attributes
    )
    return struct.pack(">HHI12s", message_type, len(body), 0x2112A442, b"made up here") + body


def _signed(message: bytes, password: bytes) -> bytes:
    covered = message[:2] + (len(message) + 4).to_bytes(2, "big") + message[4:]
    return covered + b"\x00\x08\x00\x14" + hmac.digest(password, covered, "sha1")


def _fingerprinted(message: bytes, following: int = 0) -> bytes:
    """With a good FINGERPRINT, whatever else may be wrong, and `following` bytes to come."""
    length = len(message) - 12 + following & 0xFFFF
    covered = message[:2] + length.to_bytes(2, "big") + message[4:]
    checksum = binascii.crc32(covered) ^ 0x5354554E
    return covered + b"\x80\x28\x00\x04" + checksum.to_bytes(4, "big")
