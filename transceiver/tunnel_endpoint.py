"""The worker's one UDP socket, over which it reaches every client through the relays."""

import asyncio
import math
import socket
import struct
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from antiphon_proto.address import Address
from antiphon_proto.cluster_keys import ClusterKeys
from antiphon_proto.tunnel import (
    HEADER_BYTES,
    Frame,
    FrameType,
    TunnelError,
    TunnelReceiver,
    TunnelSender,
    encode_frame,
)
from antiphon_proto.tunnel_control import Hello, control_frame, control_message
from transceiver.announcer import Announcer, Occasion
from transceiver.counters import TunnelCounters
from transceiver.relay_directory import MAX_RELAYS, Probe, RelayDirectory

RECEIVE_BYTES = 4096
BATCH = 256
LEAST_BATCH = 8
"""Taken whatever else is due: a worker that cannot keep up must not stop hearing altogether."""

MAX_PEERS = 2 * MAX_RELAYS

MAX_DATAGRAM_BYTES = 1400
"""Of a tunnel datagram with several frames: no network in between has to fragment it."""

MAX_CONTROL_BYTES = 1150
"""Of control frames in one datagram; header, counter and MAC come on top."""

SO_TIMESTAMPNS = 35
"""Linux: when each datagram came, as a control message of the same number."""

_TIMESPEC = struct.Struct("@ll")
_TIMESTAMP_SPACE = socket.CMSG_SPACE(_TIMESPEC.size)

_FRAME_BYTES = 22
"""What a frame adds to its payload, at most."""

ClientDatagram = Callable[[bytes, Address, Address, float], None]
"""Takes a client's datagram, the client's address, the relay it came through, and now."""


@dataclass(slots=True)
class _Peer:
    """A relay worker, and the datagrams of DATA frames that wait to leave to it."""

    address: Address
    sender: TunnelSender
    datagrams: list[list[bytes]] = field(default_factory=list)
    """Their frames; all wait for the flush, as the announcements that go before them do."""
    room: int = 0
    """The bytes that another frame of the last one may have; none while none waits."""


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
        self._keys = keys
        self._epoch = epoch
        self._receiver = TunnelReceiver(keys, self.address)
        self._peers: dict[Address, _Peer] = {}
        self._waiting: list[_Peer] = []
        self._flush_is_due = False
        self._directory = directory
        self._announcer = announcer
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
        self._keys = keys
        self._peers.clear()
        self._receiver.use_keys(keys)

    def send(self, payload: bytes, client: Address, relay: Address) -> None:
        """Send one datagram to `client` through `relay`; a full socket drops it, counted."""
        frame = encode_frame(FrameType.DATA, client, payload)
        size = len(frame)
        peer = self._peers.get(relay) or self._meet(relay)
        if size > peer.room:
            self._begin(peer)
        peer.room -= size
        peer.datagrams[-1].append(frame)

    def gather(self) -> None:
        """Have what is sent from here on wait for the next `flush`, in this same callback."""
        self._flush_is_due = True

    def flush(self) -> None:
        """Send all that waits; what changed hands is announced before it."""
        self._flush_is_due = False
        if self._announcer.changed:
            changes = self._announcer.changes()
            self._tell(self._directory.listening(), changes, Occasion.CHANGE)
        if self._waiting:
            leaving, self._waiting = self._waiting, []
            for peer in leaving:
                self._send_data(peer)

    def tick(self) -> None:
        """Probe relays and refresh what they were told, as far as due; about every 10 ms."""
        now = time.monotonic()
        self._probe(now)
        refresh = self._announcer.due(now)
        if refresh:
            self._tell(self._directory.listening(), refresh, Occasion.REFRESH)

    def _begin(self, peer: _Peer) -> None:
        """Start a datagram."""
        if not peer.datagrams:
            self._waiting.append(peer)
            if not self._flush_is_due:
                self._flush_is_due = True
                self._loop.call_soon(self.flush)
        peer.datagrams.append([])
        peer.room = MAX_DATAGRAM_BYTES - HEADER_BYTES

    def _send_data(self, peer: _Peer) -> None:
        datagrams, peer.datagrams, peer.room = peer.datagrams, [], 0
        relay = self._directory.route(peer.address)
        sender = peer.sender if relay == peer.address else self._peer(relay).sender
        for frames in datagrams:
            if self._transmit(sender.data_header + b"".join(frames), relay):
                self._counters.sent += len(frames)
                self._counters.sent_datagrams += 1
            else:
                self._counters.send_failures += len(frames)

    def _probe(self, now: float) -> None:
        for probe in self._directory.tick(now):
            self._send_control(self._question(probe), probe.relay)

    def _question(self, probe: Probe) -> list[Frame]:
        hello = control_frame(Hello(probe.nonce, ()))
        return [self._announcer.reset, hello] if probe.introduce else [hello]

    def _tell(self, relays: Iterable[Address], frames: list[Frame], occasion: Occasion) -> None:
        for relay in relays:
            self._counters.announced[occasion] += len(frames)
            for datagram in _by_size(frames):
                self._send_control(datagram, relay)

    def _send_control(self, frames: list[Frame], relay: Address) -> None:
        if not self._transmit(self._peer(relay).sender.encode(frames), relay):
            self._counters.send_failures += 1

    def _transmit(self, datagram: bytes, relay: Address) -> bool:
        try:
            self._socket.sendto(datagram, relay)
        except OSError:
            return False
        return True

    def _peer(self, relay: Address) -> _Peer:
        return self._peers.get(relay) or self._meet(relay)

    def _meet(self, relay: Address) -> _Peer:
        if len(self._peers) >= MAX_PEERS:
            del self._peers[next(iter(self._peers))]
        peer = self._peers[relay] = _Peer(relay, TunnelSender(self._keys, self._epoch, relay))
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
        self._probe(now)

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
        self._counters.received_datagrams += frames[0].type is FrameType.DATA
        self._directory.heard(relay, epoch, now)
        for frame in frames:
            if frame.type is FrameType.DATA:
                self._counters.received += 1
                self._on_datagram(frame.payload, frame.client, relay, now)
            elif frame.type is FrameType.HELLO:
                self._hear_hello(frame, relay, epoch, now)

    def _hear_hello(self, frame: Frame, relay: Address, epoch: int, now: float) -> None:
        try:
            hello = control_message(frame)
        except TunnelError as error:
            self._counters.faults[error.fault] += 1
            return
        if isinstance(hello, Hello) and self._directory.hello(relay, epoch, hello, now):
            self._tell([relay], self._announcer.everything(), Occasion.NEW_EPOCH)


def _arrival(extra: Sequence[tuple[int, int, bytes]]) -> float:
    """The Unix time at which a datagram came, or now where the kernel does not tell."""
    for level, kind, content in extra:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
            seconds, nanoseconds = _TIMESPEC.unpack(content)
            return float(seconds + nanoseconds * 1e-9)
    return time.time()


def _by_size(frames: Iterable[Frame]) -> Iterator[list[Frame]]:
    """Control frames in as few datagrams as may hold them, in order."""
    datagram: list[Frame] = []
    room = MAX_CONTROL_BYTES
    for frame in frames:
        size = _FRAME_BYTES + len(frame.payload)
        if size > room and datagram:
            yield datagram
            datagram, room = [], MAX_CONTROL_BYTES
        datagram.append(frame)
        room -= size
    if datagram:
        yield datagram
