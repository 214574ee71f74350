"""A worker: carries out the router's verdicts between its sockets.

Without the compiled loop this takes every datagram from the sockets. With it, it
takes the odd ones, which the loop leaves on two sockets of their own. There is
nothing to await between receiving a datagram and sending it on, so this is a
plain blocking poll.
"""

import contextlib
import math
import select
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

from antiphon_proto.address import Address, family_of
from antiphon_proto.cluster_keys import ClusterKeys
from antiphon_proto.tunnel import CONTROL, HEADER_BYTES, first_frame_end
from antiphon_proto.tunnel_control import control_frame
from relay.counters import Direction, Tally, WorkerCounters
from relay.drop_reason import DropReason
from relay.flows import Flows
from relay.port_leases import PortLeases
from relay.receive_buffers import PUBLIC_BYTES, TUNNEL_BYTES
from relay.remote_clusters import RemoteClusters
from relay.router import Router
from relay.verdicts import Answer, Delivery, Forward, PortDelivery, Transit

PUNT_BYTES = 65535 + 64

BATCH = 64
"""Datagrams taken from one socket before the other has its turn."""

READ_OUT_BATCHES = 200
"""More than a receive queue holds: reading one out ends, however much arrives meanwhile."""

HOUSEKEEPING_S = 1.0

Take = Callable[[bytes, Address], None]
"""What is done with a datagram and its source."""


class FastPathError(RuntimeError):
    """The compiled loop ended; the worker's process must, too."""


class CompiledLoop(Protocol):
    """The part of `fast.path.FastPath` that needs no compiler to be named."""

    public_punts: socket.socket
    tunnel_punts: socket.socket

    @property
    def failed(self) -> BaseException | None: ...

    @staticmethod
    def read_punt(punt: bytes) -> tuple[bytes, Address]: ...

    def set_owner_header(self, owner: Address, to: Address, header: bytes) -> None: ...

    def forget_owner_headers(self) -> None: ...

    def trust_header(self, header: bytes) -> None: ...

    def distrust_headers(self) -> None: ...

    def pass_on(self, prefix: bytes, to: Address, header: bytes, *, to_owner: bool) -> None: ...


class Worker:
    """Moves datagrams from `run` to `stop`.

    `publics` has at most one socket for each address family; all sockets are
    non-blocking. With `fast`, which somebody else starts and stops, the sockets are
    only sent on here. `now` of all flows is `time.monotonic()`.
    """

    def __init__(
        self,
        publics: Sequence[socket.socket],
        tunnel: socket.socket,
        router: Router,
        flows: Flows,
        counters: WorkerCounters,
        fast: CompiledLoop | None = None,
        *,
        phones: Mapping[int, socket.socket] | None = None,
        leases: PortLeases | None = None,
        remote: RemoteClusters | None = None,
        tunnel_only: bool = False,
    ) -> None:
        """`phones` are the sockets of phone ports by port, and `leases` and `remote` those that
        the router knows. With `tunnel_only`, public sockets and phones' are sent on, but not
        read."""
        self._tunnel_only = tunnel_only
        self._publics = {6 if each.family == socket.AF_INET6 else 4: each for each in publics}
        self._tunnel = tunnel
        self._router = router
        self._flows = flows
        self._phones = phones or {}
        self._leases = PortLeases() if leases is None else leases
        self._counters = counters
        self._fast = fast
        self._remote = remote
        self._remote_version = 0
        self._stopping = False
        self._tell_headers()

    def run(
        self,
        watch: Mapping[int, Callable[[], None]],
        each_second: Callable[[], None] = lambda: None,
    ) -> None:
        """Serve until `stop`; calls `watch[fd]` when that descriptor is readable.

        Raises FastPathError when the compiled loop ended by itself.
        """
        handlers = {**self._drains(), **self._phone_drains(), **watch}
        poll = select.poll()
        for descriptor in handlers:
            poll.register(descriptor, select.POLLIN)
        due = 0.0
        while not self._stopping:
            wait_s = max(0.0, min(due, self._probe()) - time.monotonic())
            for descriptor, _events in poll.poll(1000 * wait_s):
                handlers[descriptor]()
            if time.monotonic() >= due:
                due = time.monotonic() + HOUSEKEEPING_S
                self._keep_house()
                each_second()
        if self._fast is not None:
            self._take_last_punts()

    def stop(self) -> None:
        """Have `run` return; for its own callbacks to call.

        The compiled loop must have been stopped: what it left to Python is taken yet.
        """
        self._stopping = True

    def read_out(self, public: socket.socket) -> None:
        """Take what waits in a public socket that nobody reads any more."""
        drain = self._socket_drain(public, PUBLIC_BYTES, self._take_public, Direction.TO_OWNER)
        for _ in range(READ_OUT_BATCHES):
            if not select.select([public], (), (), 0)[0]:
                return
            drain()

    def reload(self, keys: ClusterKeys) -> None:
        """Use other keys from now on."""
        self._router.reload(keys)
        if self._fast is not None:
            self._fast.distrust_headers()
        self._tell_headers()

    def _drains(self) -> dict[int, Callable[[], None]]:
        if self._fast is not None:
            return {
                self._fast.public_punts.fileno(): self._punt_drain(
                    self._fast, self._fast.public_punts, self._take_public
                ),
                self._fast.tunnel_punts.fileno(): self._punt_drain(
                    self._fast, self._fast.tunnel_punts, self._take_tunnel
                ),
            }
        sources: list[tuple[socket.socket, int, Take, Direction]] = [
            (each, PUBLIC_BYTES, self._take_public, Direction.TO_OWNER)
            for each in self._publics.values()
            if not self._tunnel_only
        ]
        sources.append((self._tunnel, TUNNEL_BYTES, self._take_tunnel, Direction.TO_CLIENT))
        return {source[0].fileno(): self._socket_drain(*source) for source in sources}

    def _phone_drains(self) -> dict[int, Callable[[], None]]:
        """Phone ports are few and slow: Python's, with the compiled loop too."""
        if self._tunnel_only:
            return {}
        return {
            each.fileno(): self._socket_drain(
                each, PUBLIC_BYTES, partial(self._take_phone, port), Direction.TO_OWNER
            )
            for port, each in self._phones.items()
        }

    def _take_last_punts(self) -> None:
        drains = self._drains()
        while ready := select.select(drains, (), (), 0)[0]:
            for descriptor in ready:
                drains[descriptor]()

    def _socket_drain(
        self, source: socket.socket, size: int, take: Take, direction: Direction
    ) -> Callable[[], None]:
        def drain() -> None:
            taken = 0
            while taken < BATCH:
                try:
                    datagram, address = source.recvfrom(size)
                except BlockingIOError:
                    break
                except OSError:
                    # Such as an ICMP error for what was sent before; reading it clears it.
                    self._counters.add(Tally.RECEIVE_ERRORS)
                    break
                taken += 1
                # Without the zone of a link-local address, as the compiled loop has it: nobody
                # beyond the link is behind one, and the tunnel could not name it.
                take(datagram, (address[0].partition("%")[0], address[1]))
            if taken:
                self._counters.add(Tally.WAKE_UPS)
                self._counters.batch(direction, taken)

        return drain

    def _punt_drain(
        self, fast: CompiledLoop, punts: socket.socket, take: Take
    ) -> Callable[[], None]:
        def drain() -> None:
            for _ in range(BATCH):
                try:
                    punt = punts.recv(PUNT_BYTES)
                except BlockingIOError:
                    return
                self._counters.add(Tally.PUNTS)
                take(*fast.read_punt(punt))

        return drain

    def _take_public(self, datagram: bytes, client: Address) -> None:
        if len(datagram) == PUBLIC_BYTES:
            self._counters.dropped(DropReason.OVERSIZED)
            return
        verdict = self._router.from_client(datagram, client, time.monotonic(), time.time())
        if isinstance(verdict, DropReason):
            self._counters.dropped(verdict)
        else:
            self._tell_header(verdict.owner)
            self._forward(verdict, len(datagram))

    def _take_phone(self, port: int, datagram: bytes, client: Address) -> None:
        if len(datagram) == PUBLIC_BYTES:
            self._counters.dropped(DropReason.OVERSIZED)
            return
        verdict = self._router.from_phone(datagram, port, client, time.monotonic())
        if isinstance(verdict, DropReason):
            self._counters.dropped(verdict)
        else:
            self._forward(verdict, len(datagram))

    def _forward(self, forward: Forward, size: int) -> None:
        try:
            self._tunnel.sendto(forward.datagram, forward.to)
        except OSError:
            self._counters.dropped(DropReason.OWNER_SEND_FAILED)
            return
        self._counters.add(Tally.TUNNEL_DATAGRAMS_SENT)
        self._counters.sent_to_owner(forward.kind, size)

    def _take_tunnel(self, datagram: bytes, owner: Address) -> None:
        for verdict in self._router.from_tunnel(datagram, owner, time.monotonic()):
            if isinstance(verdict, DropReason):
                self._counters.dropped(verdict)
            elif isinstance(verdict, Delivery):
                self._deliver(verdict, self._publics[family_of(verdict.client[0])])
            elif isinstance(verdict, PortDelivery):
                self._deliver(verdict, self._phones[verdict.port])
            elif isinstance(verdict, Transit):
                self._pass_on(verdict, datagram)
            else:
                self._answer(verdict)
        self._trust_header(datagram[:HEADER_BYTES])

    def _deliver(self, delivery: Delivery | PortDelivery, source: socket.socket) -> None:
        try:
            source.sendto(delivery.payload, delivery.client)
        except OSError:
            self._counters.dropped(DropReason.CLIENT_SEND_FAILED)
            return
        self._counters.sent_to_client(delivery.kind, len(delivery.payload))

    def _answer(self, answer: Answer) -> None:
        try:
            self._tunnel.sendto(answer.datagram, answer.to)
        except OSError:
            self._counters.dropped(DropReason.OWNER_SEND_FAILED)
            return
        self._counters.add(Tally.TUNNEL_DATAGRAMS_SENT)

    def _pass_on(self, transit: Transit, datagram: bytes) -> None:
        """From the next datagram on, the compiled loop sends on what comes this way itself."""
        if self._fast is not None and not datagram[0] & CONTROL:
            prefix = datagram[: first_frame_end(datagram)]
            self._fast.pass_on(prefix, transit.to, transit.header, to_owner=transit.to_owner)
        try:
            self._tunnel.sendto(transit.datagram, transit.to)
        except OSError:
            self._counters.dropped(DropReason.TRANSIT_SEND_FAILED)
            return
        way = Tally.TRANSIT_TO_OWNER if transit.to_owner else Tally.TRANSIT_TO_RELAY
        self._counters.add(way)

    def _probe(self) -> float:
        """Send the probes that are due to other clusters' relays; returns when the next are."""
        if self._remote is None:
            return math.inf
        now = time.monotonic()
        for relay, probe in self._remote.due(now):
            datagram = self._router.sender_to(relay).encode([control_frame(probe)])
            # One that cannot be sent is not answered either.
            with contextlib.suppress(OSError):
                self._tunnel.sendto(datagram, relay)
        if self._fast is not None and self._remote.version != self._remote_version:
            # Owners may have to be reached by another of their relays.
            self._tell_headers()
            self._remote_version = self._remote.version
        return self._remote.due_at

    def _tell_headers(self) -> None:
        """From the next datagram on, the compiled loop sends to all owners itself.

        Not to each with its first datagram: at full load a thousand clients' are left to Python
        meanwhile, and wait there behind all that owners announce.
        """
        if self._fast is not None:
            self._fast.forget_owner_headers()
            for owner, _bound in self._flows.owners(time.monotonic()):
                self._tell_header(owner)

    def _tell_header(self, owner: Address) -> None:
        """From the next datagram on, the compiled loop sends to this owner itself.

        Told anew each time: the loop forgets an owner without flows to make room for others.
        """
        route = self._router.route_to(owner)
        if self._fast is not None and route is not None:
            self._fast.set_owner_header(owner, route.to, route.sender.data_header)

    def _trust_header(self, header: bytes) -> None:
        """From the next datagram on, the compiled loop believes this sender itself."""
        if self._fast is not None and self._router.trusts(header) and not header[0] & CONTROL:
            self._fast.trust_header(header)

    def _keep_house(self) -> None:
        if self._fast is not None and self._fast.failed is not None:
            raise FastPathError("the compiled loop ended") from self._fast.failed
        self._flows.sweep(time.monotonic())
        self._leases.sweep(time.monotonic())
        self._counters.gauge(Tally.BOUND_FLOWS, self._flows.bound)
        self._counters.gauge(Tally.PROVISIONAL_FLOWS, self._flows.provisional)
        self._counters.gauge(Tally.SSRCS, self._flows.ssrcs)
        self._counters.evicted(self._flows.evictions)
        self._counters.gauge(Tally.PHONE_PORTS, self._leases.ports)
        self._counters.gauge(Tally.LEASED_PORTS, self._leases.held)
        self._counters.leases_refused(self._leases.refused)
        if self._remote is not None:
            counts = list(self._remote.counts())
            self._counters.gauge(Tally.REMOTE_RELAYS, sum(known for _, known, _ in counts))
            answering = sum(answering for _, _, answering in counts)
            self._counters.gauge(Tally.REMOTE_RELAYS_ANSWERING, answering)
