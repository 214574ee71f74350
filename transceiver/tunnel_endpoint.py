"""The worker's one UDP socket, over which it reaches every client through the relays."""

import asyncio
import socket
from collections.abc import Callable

from antiphon_proto.address import Address
from antiphon_proto.cluster_keys import ClusterKeys
from antiphon_proto.tunnel import FrameType, TunnelError, TunnelReceiver, TunnelSender
from transceiver.counters import TunnelCounters

RECEIVE_BYTES = 4096
BATCH = 256
MAX_RELAYS = 4096

ClientDatagram = Callable[[bytes, Address, Address, float], None]
"""Takes a client's datagram, the client's address, the relay it came through, and now."""


class TunnelEndpoint:
    """Sends and receives clients' datagrams in tunnel frames.

    `epoch` is a random number of 64 bits that no other life of this worker used.
    """

    def __init__(
        self,
        bound: socket.socket,
        keys: ClusterKeys,
        epoch: int,
        counters: TunnelCounters,
    ) -> None:
        self._socket = bound
        host, port = bound.getsockname()[:2]
        self.address: Address = host, port
        self._keys = keys
        self._epoch = epoch
        self._receiver = TunnelReceiver(keys, self.address)
        self._senders: dict[Address, TunnelSender] = {}
        self._counters = counters
        self._loop = asyncio.get_running_loop()

    def start(self, on_datagram: ClientDatagram, on_batch: Callable[[], None]) -> None:
        """Receive from here on.

        `on_datagram` is called for each client datagram, `on_batch` after every drain
        of the socket, so that what the batch produced can leave together.
        """
        self._on_datagram, self._on_batch = on_datagram, on_batch
        self._loop.add_reader(self._socket.fileno(), self._drain)

    def close(self) -> None:
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def send(self, payload: bytes, client: Address, relay: Address) -> None:
        """Send one datagram to `client` through `relay`; a full socket drops it, counted."""
        sender = self._senders.get(relay) or self._new_sender(relay)
        try:
            self._socket.sendto(sender.encode_data(client, payload), relay)
        except OSError:
            self._counters.send_failures += 1
            return
        self._counters.sent += 1

    def _new_sender(self, relay: Address) -> TunnelSender:
        if len(self._senders) >= MAX_RELAYS:
            del self._senders[next(iter(self._senders))]
        sender = self._senders[relay] = TunnelSender(self._keys, self._epoch, relay)
        return sender

    def _drain(self) -> None:
        now = self._loop.time()
        for _ in range(BATCH):
            try:
                datagram, source = self._socket.recvfrom(RECEIVE_BYTES)
            except BlockingIOError:
                break
            except OSError:
                # A late ICMP error of an earlier send; the datagram it names is lost.
                self._counters.send_failures += 1
                continue
            self._receive(datagram, source[:2], now)
        self._on_batch()

    def _receive(self, datagram: bytes, relay: Address, now: float) -> None:
        try:
            _epoch, frames = self._receiver.decode(datagram)
        except TunnelError as error:
            self._counters.faults[error.fault] += 1
            return
        for frame in frames:
            self._counters.received += 1
            if frame.type is FrameType.DATA:
                self._on_datagram(frame.payload, frame.client, relay, now)
