"""Sets calls up through a relay of our wire format, as real clients and owners do.

Each client sends an authenticated STUN check, whose ufrag names its owner; each owner binds
the clients whose check reached it. Only then does the load start.
"""

import os
import select
import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from antiphon_proto import stun
from antiphon_proto.address import Address
from antiphon_proto.cluster_keys import ClusterKeys
from antiphon_proto.tunnel import HEADER_BYTES, Frame, FrameType, TunnelReceiver, TunnelSender
from antiphon_proto.tunnel_control import Bind, Hello, control_frame, control_message
from antiphon_proto.tunnel_transit import ToRelay, TransitSender
from antiphon_proto.ufrag import Owner, UfragMinter, UfragReader
from bench.measured_process import ProcessFailedError
from bench.relay.endpoints import CLIENTS, OWNERS, Endpoints
from bench.relay.relay_process import Ready

FRAMES_IN_DATAGRAM = 64
"""About 1200 bytes, with an SSRC each."""
DATAGRAMS_IN_FLIGHT = 8
"""What an owner sends before it waits until the relay has read it."""
BIND_SECONDS = 600
SESSION_SECONDS = 3600

CHECKS_IN_FLIGHT = 64
CHECK_ATTEMPTS = 3
PROBE_ATTEMPTS = 20
PATIENCE_SECONDS = 0.5
_RECEIVE_BYTES = 65536

Item = TypeVar("Item")


def bind_frame(client: Address, ssrc: int) -> Frame:
    """Claims a client that answered a check, with the SSRC of its audio."""
    return control_frame(Bind(BIND_SECONDS, True, (ssrc,)), client)


class OwnerTunnel:
    """One owner's end of the tunnel to one worker of the relay."""

    def __init__(
        self,
        keys: ClusterKeys,
        bound: socket.socket,
        epoch: int,
        worker: Address,
        edge: Address | None = None,
    ) -> None:
        """`edge` is another cluster's relay worker, where clients are; `worker` is in between."""
        self._socket = bound
        self._worker = worker
        sender = TunnelSender(keys, epoch, worker)
        self._sender = sender if edge is None else TransitSender(sender, ToRelay(edge))
        self._receiver = TunnelReceiver(keys, bound.getsockname())

    @property
    def data_header(self) -> bytes:
        """How every DATA datagram of this direction starts."""
        return self._sender.data_header

    def bind(self, frames: Iterable[Frame]) -> None:
        """Send control frames, a few datagrams ahead of what the relay has read.

        Raises ProcessFailedError when it does not answer probes.
        """
        asked = None
        for number, chunk in enumerate(_chunks(frames, FRAMES_IN_DATAGRAM), start=1):
            self._socket.sendto(self._sender.encode(chunk), self._worker)
            if number % DATAGRAMS_IN_FLIGHT == 0:
                if asked is not None:
                    self._wait_for(asked)
                asked = self._probe()
        self._wait_for(self._probe())

    def _probe(self) -> int:
        """Ask the relay to answer once it has read what was sent before; by which nonce."""
        nonce = int.from_bytes(os.urandom(8), "big") | 1
        hello = self._sender.encode([control_frame(Hello(nonce, ()))])
        self._socket.sendto(hello, self._worker)
        return nonce

    def _wait_for(self, nonce: int) -> None:
        """A lost answer is made up for by that of a later probe."""
        asked = {nonce}
        for _ in range(PROBE_ATTEMPTS):
            deadline = time.monotonic() + PATIENCE_SECONDS
            while (left := deadline - time.monotonic()) > 0:
                if select.select([self._socket], [], [], left)[0] and self._answered(asked):
                    return
            asked.add(self._probe())
        raise ProcessFailedError("does not answer an owner's probes")

    def _answered(self, nonces: set[int]) -> bool:
        datagram = self._socket.recv(_RECEIVE_BYTES)
        _epoch, frames = self._receiver.decode(datagram)
        hellos = [control_message(frame) for frame in frames if frame.type is FrameType.HELLO]
        return any(isinstance(hello, Hello) and hello.nonce in nonces for hello in hellos)


class TunnelCalls:
    """The calls between both ends, with a relay yet to come between them."""

    def __init__(self, ends: Endpoints, keys: ClusterKeys, *, cluster: int = 0) -> None:
        """`cluster` is the owners'."""
        self._ends = ends
        self._keys = keys
        self._cluster = cluster
        self._epochs = [int.from_bytes(os.urandom(8), "big") for _ in range(OWNERS)]
        self._receivers = [TunnelReceiver(keys, owner) for owner in ends.owners]

    def upstream_headers(self) -> dict[Address, bytes]:
        """For a relay that cannot make them itself: how its datagrams to each owner start."""
        epoch = int.from_bytes(os.urandom(8), "big")
        senders = {owner: TunnelSender(self._keys, epoch, owner) for owner in self._ends.owners}
        return {
            owner: sender.encode_data(owner, b"")[:HEADER_BYTES]
            for owner, sender in senders.items()
        }

    def connect(self, relay: Ready, *, bind: bool, edge: Address | None = None) -> None:
        """Let every client check and, for a relay that takes it, every owner bind.

        With `edge`, a relay worker of another cluster, clients come to that one's public port,
        and owners reach it through the relay's tunnels. Raises ProcessFailedError when a check
        does not arrive whole at its owner.
        """
        self._check_all(relay)
        tunnels = [
            OwnerTunnel(self._keys, bound, epoch, worker, edge)
            for bound, epoch in zip(self._ends.owner_sockets, self._epochs, strict=True)
            for worker in relay.tunnels
        ]
        if bind:
            for index, tunnel in enumerate(tunnels):
                owned = self._owned_by(index // len(relay.tunnels))
                tunnel.bind(bind_frame(self._ends.clients[client], client) for client in owned)
        headers = [tunnel.data_header for tunnel in tunnels]
        self._ends.through_tunnel(relay.public, relay.tunnels, headers)

    def _owned_by(self, owner: int) -> list[int]:
        return [client for client in range(CLIENTS) if self._ends.owner_of[client] == owner]

    def _check_all(self, relay: Ready) -> None:
        checks = self._checks()
        waiting = set(range(CLIENTS))
        for _ in range(CHECK_ATTEMPTS):
            for chunk in _chunks(sorted(waiting), CHECKS_IN_FLIGHT):
                for client in chunk:
                    self._ends.send_from(client, checks[client], relay.public)
                arrived = self._arrivals(set(chunk), checks, relay.tunnels)
                waiting -= arrived
            if not waiting:
                return
        raise ProcessFailedError(f"{len(waiting)} of {CLIENTS} checks did not arrive")

    def _checks(self) -> list[bytes]:
        """Each client's connectivity check, with a ufrag that its owner minted for it."""
        minter, reader = UfragMinter(self._keys), UfragReader(self._keys)
        checks = []
        for client in range(CLIENTS):
            address = self._ends.owners[self._ends.owner_of[client]]
            owner = Owner(*address, self._cluster, 0, int(time.time()) + SESSION_SECONDS)
            ufrag = minter.mint(owner, os.urandom(6)).encode()
            checks.append(
                stun.binding_request(
                    os.urandom(12),
                    username=ufrag + b":abcd",
                    password=reader.password(ufrag),
                    priority=1845501695,
                    tie_breaker=client,
                    controlling=True,
                )
            )
        return checks

    def _arrivals(
        self, expected: set[int], checks: Sequence[bytes], tunnels: Sequence[Address]
    ) -> set[int]:
        """The clients whose check came to its owner; notes by which tunnel."""
        index = {self._ends.clients[client]: client for client in expected}
        arrived: set[int] = set()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while arrived != expected and (left := deadline - time.monotonic()) > 0:
            for ready in select.select(self._ends.owner_sockets, [], [], left)[0]:
                owner = self._ends.owner_sockets.index(ready)
                datagram, source = ready.recvfrom(_RECEIVE_BYTES)
                for frame in self._receivers[owner].decode(datagram)[1]:
                    if frame.type is FrameType.DATA and frame.client in index:
                        client = self._accept(frame, owner, index[frame.client], checks)
                        self._ends.tunnel_of[client] = tunnels.index(source)
                        arrived.add(client)
        return arrived

    def _accept(self, frame: Frame, owner: int, client: int, checks: Sequence[bytes]) -> int:
        if frame.payload != checks[client] or self._ends.owner_of[client] != owner:
            raise ProcessFailedError("brought a check to the wrong owner, or not whole")
        return client


def _chunks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
