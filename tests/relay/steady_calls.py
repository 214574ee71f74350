"""Calls that speak without a pause, each packet of which their owner sends back.

No more packets are under way than every socket's queue holds, however slow this
machine is at the moment. So what does not come back, the relay lost.
"""

import select
import socket
import struct
import time
from collections.abc import Callable
from functools import lru_cache, partial

from antiphon_proto.address import Address
from antiphon_proto.tunnel import TunnelReceiver, TunnelSender
from antiphon_proto.tunnel_control import Bind, control_frame
from tests.relay.conftest import PATIENCE_S, Cluster, udp_socket

INTERVAL_S = 0.02
MOST_UNDER_WAY = 100
"""A socket's queue holds some 160 packets by Linux's defaults."""

_RTP = struct.Struct(">BB2xI4x140x")
LIFETIME_S = 60
EPOCH = 42


class SteadyCalls:
    """`count` clients and their owner, all in the thread that calls `speak`."""

    def __init__(
        self, cluster: Cluster, public: Address, tunnels: list[Address], count: int
    ) -> None:
        self.sent = 0
        self.under_way: set[int] = set()
        """Numbers of the packets that did not come back yet."""
        self.came_by: set[Address] = set()
        """Relay workers that the owner heard clients by."""
        self._public = public
        self._tunnels = tunnels
        self._owner = udp_socket()
        self._clients = [udp_socket() for _ in range(count)]
        self._receiver = TunnelReceiver(cluster.keys, self._owner.getsockname())
        self._sender_to = lru_cache(partial(TunnelSender, cluster.keys, EPOCH))
        self._poll = select.epoll()
        self._takers: dict[int, Callable[[], None]] = {}
        self._watch(self._owner, self._echo)
        for client in self._clients:
            self._watch(client, lambda client=client: self._hear(client))

    def open(self) -> None:
        """Have every client known to every worker, by its owner's word."""
        binding = Bind(LIFETIME_S, True, ())
        for client in self._clients:
            for tunnel in self._tunnels:
                frame = control_frame(binding, client.getsockname())
                self._owner.sendto(self._sender_to(tunnel).encode([frame]), tunnel)

    def speak_until(self, over: Callable[[], bool]) -> None:
        """A packet a client every 20 ms, or as soon as there is room for it under way."""
        due = time.monotonic()
        while not over():
            for client in self._clients:
                self._wait_while(lambda: len(self.under_way) >= MOST_UNDER_WAY)
                self._say(client)
            due = max(due + INTERVAL_S, time.monotonic())
            self._wait_while(lambda due=due: time.monotonic() < due)

    def lost(self) -> int:
        """What did not come back although nothing else is under way any more."""
        heard_at = time.monotonic()
        while self.under_way and time.monotonic() - heard_at < PATIENCE_S:
            before = len(self.under_way)
            self._receive(0.1)
            if len(self.under_way) < before:
                heard_at = time.monotonic()
        return len(self.under_way)

    def close(self) -> None:
        self._poll.close()
        for each in (self._owner, *self._clients):
            each.close()

    def _say(self, client: socket.socket) -> None:
        self.sent += 1
        client.sendto(_RTP.pack(0x80, 111, self.sent), self._public)
        self.under_way.add(self.sent)

    def _wait_while(self, holds: Callable[[], bool]) -> None:
        patience = time.monotonic() + PATIENCE_S
        while holds():
            # What was lost must not hang the rest.
            if time.monotonic() > patience:
                return
            self._receive(0.002)

    def _receive(self, timeout_s: float) -> None:
        for descriptor, _events in self._poll.poll(timeout_s):
            self._takers[descriptor]()

    def _watch(self, each: socket.socket, take: Callable[[], None]) -> None:
        each.setblocking(False)
        self._takers[each.fileno()] = take
        self._poll.register(each, select.EPOLLIN)

    def _echo(self) -> None:
        """The owner: to the client, by the relay worker that it came by."""
        datagram, relay_worker = self._owner.recvfrom(65535)
        _epoch, frames = self._receiver.decode(datagram)
        self.came_by.add(relay_worker)
        self._owner.sendto(self._sender_to(relay_worker).encode(frames), relay_worker)

    def _hear(self, client: socket.socket) -> None:
        packet = client.recv(2048)
        # Whoever had this port before may still be sent something.
        if len(packet) == _RTP.size:
            _first, _type, number = _RTP.unpack(packet)
            self.under_way.discard(number)
