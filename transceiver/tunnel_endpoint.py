"""The worker's one UDP socket, over which it reaches every client through the relays."""

import asyncio
import math
import secrets
import socket
import struct
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from antiphon_proto.address import Address
from antiphon_proto.cluster_keys import ClusterKeys
from antiphon_proto.tunnel import (
    TRANSIT_TYPES,
    Frame,
    FrameType,
    TunnelError,
    TunnelFault,
    TunnelReceiver,
    encode_frame,
    split_port_payload,
)
from antiphon_proto.tunnel_control import Hello, Leased, control_message
from antiphon_proto.tunnel_transit import FromRelay, read_transit
from transceiver.announcer import Announcer
from transceiver.counters import TunnelCounters
from transceiver.leased_ports import LeasedPorts
from transceiver.relay_directory import MAX_RELAYS, RelayDirectory
from transceiver.relay_talk import RelayTalk
from transceiver.relay_ways import RelayWays
from transceiver.tunnel_peer import TunnelPeer

RECEIVE_BYTES = 4096
BATCH = 256
LEAST_BATCH = 8
"""Taken whatever else is due: a worker that cannot keep up must not stop hearing altogether."""

MAX_PEERS = 2 * MAX_RELAYS

SO_TIMESTAMPNS = 35
"""Linux: when each datagram came, as a control message of the same number."""

_TIMESPEC = struct.Struct("@ll")
_TIMESTAMP_SPACE = socket.CMSG_SPACE(_TIMESPEC.size)

_PACKETS = (FrameType.DATA, FrameType.PORT_DATA)
ClientDatagram = Callable[[bytes, Address, Address, float], None]
"""Takes a client's datagram, the client's address, the relay it came through, and now."""


class TunnelEndpoint:
    """Sends and receives clients' datagrams in tunnel frames, and tells relays whose they are.

    What one callback of the event loop sends to a relay leaves together, in as few
    datagrams as it fits, when the callback or the batch that it is part of ends.

    `epoch` is a random number of 64 bits that no other life of this worker used.
    """

    def __init__(
        self,
        bound: socket.socket,
        keys: ClusterKeys,
        epoch: int,
        counters: TunnelCounters,
        *,
        directory: RelayDirectory,
        announcer: Announcer,
    ) -> None:
        self._socket = bound
        host, port = bound.getsockname()[:2]
        self.address: Address = host, port
        self._receiver = TunnelReceiver(keys, self.address)
        self._peers: dict[Address, TunnelPeer] = {}
        self._port_peers: dict[Address, TunnelPeer] = {}
        self.leases = LeasedPorts(
            new_id=partial(secrets.randbits, 64),
            answering=directory.answering_relays,
            send=self._send_from_port,
        )
        self._waiting: list[TunnelPeer] = []
        self._flush_is_due = False
        self._directory = directory
        self._ways = RelayWays(keys, epoch, directory)
        self._talk = RelayTalk(directory, announcer, self._ways, counters, self._transmit)
        self._counters = counters
        self._loop = asyncio.get_running_loop()

    def start(
        self,
        on_datagram: ClientDatagram,
        on_arrival: Callable[[float], None],
        on_batch: Callable[[], None],
        *,
        busy_at: Callable[[], float] = lambda: math.inf,
    ) -> None:
        """Receive from here on.

        `on_datagram` is called for each client's datagram; `on_arrival` after those of one
        tunnel datagram, with the Unix time at which that arrived at the kernel; `on_batch`
        after every drain of the socket, so that what it produced can leave together. A long
        drain leaves off at the monotonic time `busy_at()`, when something else is due.
        """
        self._on_datagram, self._on_arrival = on_datagram, on_arrival
        self._on_batch, self._busy_at = on_batch, busy_at
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.listen(True)

    def listen(self, listening: bool) -> None:
        """Whether to read as soon as there is something to read, or when asked to `poll`."""
        if listening:
            self._loop.add_reader(self._socket.fileno(), self.poll)
        else:
            self._loop.remove_reader(self._socket.fileno())

    def close(self) -> None:
        """Send what waits, and stop."""
        self.flush()
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def use_keys(self, keys: ClusterKeys) -> None:
        """Send under the first config of `keys`, accept all, and none other, from here on."""
        self.flush()
        self._ways.use_keys(keys)
        self._receiver.use_keys(keys)

    def send(self, payload: bytes, client: Address, relay: Address) -> None:
        """Send one datagram to `client` through `relay`; a full socket drops it, counted."""
        frame = encode_frame(FrameType.DATA, client, payload)
        self._queue(frame, self._peers.get(relay) or self._meet(relay))

    def relay_for(self, client: Address) -> Address | None:
        """The relay worker for a client that nothing came from yet."""
        return self._directory.relay_for(client)

    def introduce(self, relays: Iterable[Address]) -> None:
        """Get to know these relay workers, which nothing may come from of itself."""
        self._directory.introduce(relays, time.monotonic())

    def gather(self) -> None:
        """Have what is sent from here on wait for the next `flush`, in this same callback."""
        self._flush_is_due = True

    def flush(self) -> None:
        """Send all that waits; what changed hands is announced before it."""
        self._flush_is_due = False
        self._tell_leases()
        self._talk.tell_changes()
        if self._waiting:
            leaving, self._waiting = self._waiting, []
            for peer in leaving:
                self._send_data(peer)

    @property
    def due_at(self) -> float:
        """When the next relay is to be probed, on the monotonic clock."""
        return self._directory.due_at

    def tick(self) -> None:
        """Probe relays and refresh what they were told, as far as due: at `due_at`, or before
        it where that is more than 50 ms ahead."""
        now = time.monotonic()
        self._talk.tick(now)
        self.leases.tick(now)
        self._tell_leases()

    def _queue(self, frame: bytes, peer: TunnelPeer) -> None:
        size = len(frame)
        if size > peer.room:
            self._begin(peer)
        peer.room -= size
        peer.datagrams[-1].append(frame)

    def _begin(self, peer: TunnelPeer) -> None:
        """Start a datagram."""
        if not peer.datagrams:
            self._waiting.append(peer)
            if not self._flush_is_due:
                self._flush_is_due = True
                self._loop.call_soon(self.flush)
        peer.begin()

    def _send_from_port(self, frame: Frame, relay: Address) -> None:
        peer = self._port_peers.get(relay)
        if peer is None:
            peer = self._new_peer(relay, self._port_peers)
            peer.pinned = True
        self._queue(encode_frame(frame.type, frame.client, frame.payload), peer)

    def _send_data(self, peer: TunnelPeer) -> None:
        datagrams, peer.datagrams, peer.room = peer.datagrams, [], 0
        relay = peer.address if peer.pinned else self._directory.route(peer.address)
        sender, to = self._ways.to(relay)
        for frames in datagrams:
            if self._transmit(sender.data_header + b"".join(frames), to):
                self._counters.sent += len(frames)
                self._counters.sent_datagrams += 1
            else:
                self._counters.send_failures += len(frames)

    def _tell_leases(self) -> None:
        for frame, relay in self.leases.take_frames():
            self._talk.send([frame], relay)

    def _transmit(self, datagram: bytes, relay: Address) -> bool:
        try:
            self._socket.sendto(datagram, relay)
        except OSError:
            return False
        return True

    def _meet(self, relay: Address) -> TunnelPeer:
        return self._new_peer(relay, self._peers)

    def _new_peer(self, relay: Address, peers: dict[Address, TunnelPeer]) -> TunnelPeer:
        if len(peers) >= MAX_PEERS:
            del peers[next(iter(peers))]
        peer = peers[relay] = TunnelPeer(relay)
        return peer

    def poll(self) -> None:
        """Read what there is, hand it on, and send what that produced."""
        now = time.monotonic()
        self.gather()
        try:
            self._receive_batch(now)
            self._on_batch()
        finally:
            self.flush()
        self._talk.probe(now)

    def _receive_batch(self, now: float) -> None:
        busy_at = self._busy_at()
        for taken in range(1, BATCH + 1):
            try:
                datagram, extra, _flags, source = self._socket.recvmsg(
                    RECEIVE_BYTES, _TIMESTAMP_SPACE
                )
            except BlockingIOError:
                break
            except OSError:
                # A late ICMP error of an earlier send; the datagram it names is lost.
                self._counters.send_failures += 1
                continue
            self._receive(datagram, source[:2], now)
            self._on_arrival(_arrival(extra))
            if taken >= LEAST_BATCH and time.monotonic() >= busy_at:
                break

    def _receive(self, datagram: bytes, relay: Address, now: float) -> None:
        try:
            epoch, frames = self._receiver.decode(datagram)
        except TunnelError as error:
            self._counters.faults[error.fault] += 1
            return
        self._directory.heard(relay, epoch, now)
        if frames[0].type in TRANSIT_TYPES:
            self._receive_abroad(frames, relay, now)
            return
        self._counters.received_datagrams += frames[0].type in _PACKETS
        for frame in frames:
            if frame.type is FrameType.DATA:
                self._talk.came_home(frame.client)
                self._counters.received += 1
                self._on_datagram(frame.payload, frame.client, relay, now)
            else:
                self._receive_other(frame, relay, epoch, now)

    def _receive_abroad(self, frames: list[Frame], gateway: Address, now: float) -> None:
        """What came to a relay of another cluster, and through one of this cluster from there."""
        try:
            way = read_transit(frames[0])
        except TunnelError as error:
            self._counters.faults[error.fault] += 1
            return
        if not isinstance(way, FromRelay):
            self._counters.faults[TunnelFault.FRAME] += 1
            return
        relay = way.relay
        if self._directory.answering(relay) and not self._directory.is_remote(relay):
            # None of this cluster would come through another: its own way must not be lost to that.
            self._counters.faults[TunnelFault.FRAME] += 1
            return
        self._ways.came(relay, gateway)
        self._directory.heard(relay, way.epoch, now, remote=True)
        self._counters.received_datagrams += frames[1].type is FrameType.DATA
        for frame in frames[1:]:
            if frame.type is FrameType.DATA:
                self._talk.came(frame.client, relay, now)
                self._counters.received += 1
                self._on_datagram(frame.payload, frame.client, relay, now)
            elif frame.type is FrameType.HELLO:
                self._receive_other(frame, relay, way.epoch, now)
            else:
                self._counters.faults[TunnelFault.FRAME] += 1

    def _receive_other(self, frame: Frame, relay: Address, epoch: int, now: float) -> None:
        try:
            if frame.type is FrameType.PORT_DATA:
                self._counters.received += 1
                port, datagram = split_port_payload(frame.payload)
                self.leases.receive(relay, port, datagram, frame.client, now)
                return
            message = control_message(frame)
        except TunnelError as error:
            self._counters.faults[error.fault] += 1
            return
        if isinstance(message, Leased):
            self.leases.answered(relay, message, now)
        elif isinstance(message, Hello) and self._talk.hello(relay, epoch, message, now):
            self.leases.returned(relay)


def _arrival(extra: Sequence[tuple[int, int, bytes]]) -> float:
    """The Unix time at which a datagram came, or now where the kernel does not tell."""
    for level, kind, content in extra:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
            seconds, nanoseconds = _TIMESPEC.unpack(content)
            return float(seconds + nanoseconds * 1e-9)
    return time.time()
