"""The relay's two ways to decide: the reference, and the compiled one with what it punts."""

import ctypes
import socket
import sys
from dataclasses import dataclass

import numpy as np

from antiphon_proto.address import Address, unpack_host
from antiphon_proto.cluster_keys import ClusterKeys
from antiphon_proto.tunnel import CONTROL, HEADER_BYTES, first_frame_end
from antiphon_proto.tunnel_control import Probe
from relay.address_key import address_of, key_of
from relay.counters import DROPPED, FORWARDED, ROW_CELLS, TALLIED, CounterTable, Tally, Thread
from relay.drop_reason import DropReason
from relay.failure_limiter import FailureLimiter
from relay.fast.counting import PUNT, drop
from relay.fast.downlink import (
    DELIVER,
    PASS_ON,
    assemble_transit,
    count_delivered,
    count_dropped,
    count_transit,
    deliver_some,
    judge_datagrams,
    new_downlink,
)
from relay.fast.flow_table import FastFlowTable
from relay.fast.message_arrays import HEADROOM, SENT, Inbox, Outbox
from relay.fast.numba_code import kept
from relay.fast.path_calls import (
    distrust_headers,
    forget_owner_headers,
    pass_on,
    set_owner_header,
    trust_header,
)
from relay.fast.sockaddr import name_of
from relay.fast.table import open_table, sections
from relay.fast.uplink import assemble, count_sent, count_verdicts, judge_batch, new_uplink
from relay.flow_table import FlowTable
from relay.flows import Flows
from relay.owner_allow_list import PRIVATE_OWNERS
from relay.port_leases import PortLeases
from relay.receive_buffers import PUBLIC_BYTES
from relay.router import Router
from relay.verdicts import Delivery, Forward, FromClient, FromTunnel, PortDelivery, Transit
from tests.fuzz.relay_traffic import BOTH_KEYS, MAX_BATCH, PHONE_PORTS, UNIX_START, Arrivals, World

_TRANSIT = {True: Tally.TRANSIT_TO_OWNER, False: Tally.TRANSIT_TO_RELAY}

COUNTED = sorted(
    {cell + i for cells in FORWARDED.values() for cell in cells.values() for i in (0, 1)}
    | set(DROPPED.values())
    | {TALLIED[tally] for tally in _TRANSIT.values()}
)
"""Cells of a row of counters that tell what became of datagrams."""


class Plane:
    """A router over a table, and the counts of what they decide."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._counters = CounterTable(1)
        self._row = self._counters.worker(0)
        self._epoch = 0
        self.leases = PortLeases(PHONE_PORTS)
        self.remote = world.remote()
        self._start(self.new_flows())

    def new_flows(self) -> Flows:
        return FlowTable(max_flows=self._world.max_flows, max_ssrcs=self._world.max_ssrcs)

    def _start(self, flows: Flows) -> None:
        self._epoch += 1
        self.flows = flows
        self.router = Router(
            BOTH_KEYS,
            cluster_id=0,
            owners=PRIVATE_OWNERS,
            flows=flows,
            limiter=FailureLimiter(),
            families=self._world.families,
            tunnel=self._world.tunnel,
            siblings=self._world.siblings,
            epoch=self._epoch,
            leases=self.leases,
            remote=self.remote,
        )

    def hand_over(self, now: float) -> None:
        """Go on as a successor of another process, which has a clock of its own."""
        snapshot = self.flows.snapshot(now)
        successor = self.new_flows()
        successor.restore(snapshot, now)
        leases = self.leases.snapshot(now)
        self.leases = PortLeases(PHONE_PORTS)
        self.leases.restore(leases, now)
        self.remote = self._world.remote()
        self._start(successor)

    def probe(self, now: float) -> list[tuple[Address, Probe]]:
        """The probes that the worker sends to other clusters' relays."""
        return [] if self.remote is None else self.remote.due(now)

    def reload(self, keys: ClusterKeys) -> None:
        self.router.reload(keys)

    def counted(self) -> list[int]:
        """`COUNTED`, over all rows."""
        rows = [self._counters.worker(0, thread).cells for thread in Thread]
        return [sum(row[cell] for row in rows) for cell in COUNTED]

    def from_client(self, datagram: bytes, client: Address, now: float) -> FromClient:
        """What the worker does with what its public socket received."""
        if len(datagram) >= PUBLIC_BYTES:
            verdict: FromClient = DropReason.OVERSIZED
        else:
            unix_now = UNIX_START + now
            verdict = self.router.from_client(datagram, client, now, unix_now)
        if isinstance(verdict, Forward):
            self._row.sent_to_owner(verdict.kind, len(datagram))
        else:
            self._row.dropped(verdict)
        return verdict

    def from_owner(self, datagram: bytes, source: Address, now: float) -> list[FromTunnel]:
        """What the worker does with what its tunnel socket received."""
        verdicts = self.router.from_tunnel(datagram, source, now)
        for verdict in verdicts:
            if isinstance(verdict, (Delivery, PortDelivery)):
                self._row.sent_to_client(verdict.kind, len(verdict.payload))
            elif isinstance(verdict, Transit):
                self._row.add(_TRANSIT[verdict.to_owner])
            elif isinstance(verdict, DropReason):
                self._row.dropped(verdict)
        return verdicts


@dataclass(frozen=True, slots=True)
class ClientVerdicts:
    """What the compiled code makes of a batch from clients."""

    verdicts: list[Address | DropReason | None]
    """Of each datagram: its owner, why it was dropped, or None when it was punted."""
    sent: list[tuple[Address, bytes]]
    """Tunnel datagrams, with the owners that they go to."""
    frames: list[int]
    """Of each tunnel datagram, how many frames it holds."""


@dataclass(frozen=True, slots=True)
class OwnerVerdicts:
    """What the compiled code makes of a batch from owners."""

    verdicts: list[bool | DropReason | None]
    """Of each datagram: True when its frames were judged one by one, or it was sent on, why it
    was dropped, or None when it was punted."""
    delivered: list[tuple[Address, bytes]]
    """Payloads with their clients, those of one family in their order."""
    passed_on: list[tuple[Address, bytes]]
    """Datagrams in transit, and where they go, in their order."""


class CompiledPlane(Plane):
    """The compiled decisions over their table; `from_client` and `from_owner` take punts."""

    def __init__(self, world: World) -> None:
        self._uplink = new_uplink()
        self._downlink = new_downlink()
        super().__init__(world)
        self._fast_row = np.frombuffer(self._counters.worker(0, Thread.FAST).cells, np.int64)
        assert len(self._fast_row) == ROW_CELLS
        assert len(self._uplink.verdicts) == len(self._downlink.verdicts) == MAX_BATCH

    def new_flows(self) -> Flows:
        return FastFlowTable(max_flows=self._world.max_flows, max_ssrcs=self._world.max_ssrcs)

    def _start(self, flows: Flows) -> None:
        assert isinstance(flows, FastFlowTable)
        super()._start(flows)
        self._memory = flows.memory
        self._owners = sections(flows.memory).owners
        distrust_headers(self._memory, self._downlink.trusted, self._downlink.passages)

    def notice_gateways(self) -> None:
        """As the worker does after each round of probes."""
        forget_owner_headers(self._memory)

    def reload(self, keys: ClusterKeys) -> None:
        super().reload(keys)
        forget_owner_headers(self._memory)
        distrust_headers(self._memory, self._downlink.trusted, self._downlink.passages)

    def judge_clients(self, arrivals: Arrivals, now: float) -> ClientVerdicts:
        """Decide on a batch; punts are noted, but not taken."""
        inbox = self._uplink.inbox
        _fill(inbox, arrivals, PUBLIC_BYTES)
        messages = _judge_clients(self._memory, self._uplink, len(arrivals), now, self._fast_row)
        verdicts = [
            self._client_verdict(verdict)
            for verdict in self._uplink.verdicts[: len(arrivals)].tolist()
        ]
        sent, frames = _read(self._uplink.outbox, messages)
        return ClientVerdicts(verdicts, sent, frames)

    def _client_verdict(self, verdict: int) -> Address | DropReason | None:
        if verdict == PUNT:
            return None
        return self._owner_at(verdict) if verdict >= 0 else _REASONS[verdict]

    def _owner_at(self, slot: int) -> Address:
        owner = self._owners[slot]
        return address_of(*(int(owner[field]) for field in ("hi", "lo", "port", "family")))

    def judge_owners(self, arrivals: Arrivals, now: float) -> OwnerVerdicts:
        """Decide on a batch; punts are noted, but not taken."""
        downlink, received = self._downlink, len(arrivals)
        _fill(downlink.inbox, arrivals, downlink.inbox.buffers.shape[1])
        in_transit = _judge_owners(self._memory, downlink, received, self._fast_row)
        verdicts = [_tunnel_verdict(each) for each in downlink.verdicts[:received].tolist()]
        passed_on = _read(downlink.transit, in_transit)[0]
        families = [family in self._world.families for family in (4, 6)]
        delivered, more = [], True
        while more:
            more = _deliver(self._memory, downlink, received, *families, now, self._fast_row)
            for delivery in (downlink.ipv4, downlink.ipv6):
                delivered += _read(delivery.outbox, int(delivery.count[0]))[0]
        return OwnerVerdicts(verdicts, delivered, passed_on)

    def from_client(self, datagram: bytes, client: Address, now: float) -> FromClient:
        verdict = super().from_client(datagram, client, now)
        if isinstance(verdict, Forward):
            route = self.router.route_to(verdict.owner)
            assert route is not None
            set_owner_header(
                self._memory,
                *key_of(verdict.owner),
                _bytes(name_of(route.to)),
                _bytes(route.sender.data_header),
            )
        return verdict

    def from_owner(self, datagram: bytes, source: Address, now: float) -> list[FromTunnel]:
        verdicts = super().from_owner(datagram, source, now)
        header = datagram[:HEADER_BYTES]
        if self.router.trusts(header) and not header[0] & CONTROL:
            trust_header(self._memory, self._downlink.trusted, _bytes(header))
            for each in verdicts:
                if isinstance(each, Transit):
                    self._pass_on(each, datagram)
        return verdicts

    def _pass_on(self, transit: Transit, datagram: bytes) -> None:
        pass_on(
            self._memory,
            self._downlink.passages,
            _bytes(datagram[: first_frame_end(datagram)]),
            _bytes(name_of(transit.to)),
            _bytes(transit.header),
            transit.to_owner,
        )


@kept
def _judge_clients(memory, uplink, received, now, row):  # type: ignore[no-untyped-def]
    table = open_table(memory)
    judge_batch(table, uplink, received, now)
    messages = assemble(table, uplink, received)
    uplink.outbox.fates[:messages] = SENT
    count_sent(uplink, messages, row)
    count_verdicts(uplink, received, row)
    return messages


@kept
def _judge_owners(memory, downlink, received, row):  # type: ignore[no-untyped-def]
    judge_datagrams(open_table(memory), downlink, received)
    messages = assemble_transit(downlink, received)
    downlink.transit.fates[:messages] = SENT
    count_transit(downlink, messages, row)
    count_dropped(downlink, received, row)
    return messages


@kept
def _deliver(memory, downlink, received, ipv4, ipv6, now, row):  # type: ignore[no-untyped-def]
    more = deliver_some(open_table(memory), downlink, received, ipv4, ipv6, now, row)
    for delivery in (downlink.ipv4, downlink.ipv6):
        delivery.outbox.fates[: delivery.count[0]] = SENT
        count_delivered(delivery, row)
    return more


def _bytes(text: bytes) -> np.ndarray:
    return np.frombuffer(text, np.uint8)


def _fill(inbox: Inbox, arrivals: Arrivals, capacity: int) -> None:
    """As recvmmsg would, with the bytes that fit and their number."""
    lengths, name_lengths = inbox.messages["length"], inbox.messages["name_length"]
    flags = inbox.messages["flags"]
    for i, (datagram, source) in enumerate(arrivals):
        taken, name = datagram[:capacity], name_of(source)
        inbox.buffers[i, HEADROOM : HEADROOM + len(taken)] = np.frombuffer(taken, np.uint8)
        inbox.names[i, : len(name)] = np.frombuffer(name, np.uint8)
        lengths[i], name_lengths[i] = len(taken), len(name)
        flags[i] = socket.MSG_TRUNC if len(datagram) > capacity else 0


def _read(outbox: Outbox, messages: int) -> tuple[list[tuple[Address, bytes]], list[int]]:
    """What sendmmsg would send, and whereto; and how many parts each has but its header."""
    sent, frames = [], []
    for i in range(messages):
        message = outbox.messages[i]
        name = ctypes.string_at(int(message["name"]), int(message["name_length"]))
        parts = ctypes.string_at(int(message["iovecs"]), 16 * int(message["iovec_count"]))
        spans = np.frombuffer(parts, np.uint64).tolist()
        data = [ctypes.string_at(*span) for span in zip(spans[::2], spans[1::2], strict=True)]
        sent.append((_address(name), b"".join(data)))
        frames.append(len(data) - 1)
    return sent, frames


def _address(name: bytes) -> Address:
    """Of a sockaddr_in or sockaddr_in6."""
    port = int.from_bytes(name[2:4], "big")
    if int.from_bytes(name[:2], sys.byteorder) == socket.AF_INET:
        return unpack_host(name[4:8]), port
    return unpack_host(name[8:24]), port


def _tunnel_verdict(verdict: int) -> bool | DropReason | None:
    if verdict == DELIVER or verdict >= PASS_ON:
        return True
    return None if verdict == PUNT else _REASONS[verdict]


_REASONS = {drop(reason): reason for reason in DropReason}
