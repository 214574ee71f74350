"""A NAT between one client and a relay, that can forget its mapping."""

import asyncio
import socket
from collections import deque

from antiphon_proto import stun
from antiphon_proto.address import Address
from antiphon_proto.demux import PacketKind, packet_kind
from antiphon_proto.stun import StunClass

LOOPBACK = "127.0.0.1"
KEPT = 200


class Nat:
    """Carries between `inside`, which the client takes for the server, and one port outside.

    Of a client's addresses it carries the one that speaks first.
    """

    def __init__(self) -> None:
        self._inside = _udp_socket()
        self.inside: Address = self._inside.getsockname()
        self.checks_pass = True
        """Whether the client's own checks do: not, and all that is left is media."""
        self.media: deque[bytes] = deque(maxlen=KEPT)
        """The client's latest RTP, as anybody on the path sees it."""
        self.answered_media: deque[bytes] = deque(maxlen=KEPT)
        """The latest RTP to the client."""
        self.loses_every = 0
        """Of so many RTP packets, one is lost, either way; 0 loses none."""
        self.lost = 0
        """Of the client's."""
        self._client: Address | None = None
        self._said = self._heard = 0

    def open(self, server: Address) -> None:
        """Carry for the client that speaks first. Call from within a running event loop."""
        self._server = server
        self._client = None
        self.checks_pass = True
        self.media.clear()
        self.answered_media.clear()
        self.loses_every = self.lost = self._said = self._heard = 0
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._inside, self._carry_out)
        self._map()

    def rebind(self) -> None:
        """Forget the port outside: what comes to it from now on is lost. Take another."""
        self._unmap()
        self._map()

    def shut(self) -> None:
        """Carry no more, until it is opened again."""
        self._loop.remove_reader(self._inside)
        self._unmap()

    def close(self) -> None:
        self._inside.close()

    def _map(self) -> None:
        self._outside = _udp_socket()
        self.outside: Address = self._outside.getsockname()
        self._loop.add_reader(self._outside, self._carry_in)

    def _unmap(self) -> None:
        self._loop.remove_reader(self._outside)
        self._outside.close()

    def _carry_out(self) -> None:
        datagram, source = self._inside.recvfrom(2048)
        self._client = self._client or source
        if source != self._client or (_is_check(datagram) and not self.checks_pass):
            return
        if packet_kind(datagram) is PacketKind.RTP:
            self.media.append(datagram)
            self._said += 1
            if self.loses_every and self._said % self.loses_every == 0:
                self.lost += 1
                return
        self._outside.sendto(datagram, self._server)

    def _carry_in(self) -> None:
        datagram = self._outside.recv(2048)
        assert self._client is not None
        if packet_kind(datagram) is PacketKind.RTP:
            self.answered_media.append(datagram)
            self._heard += 1
            if self.loses_every and self._heard % self.loses_every == 0:
                return
        self._inside.sendto(datagram, self._client)


def _is_check(datagram: bytes) -> bool:
    is_stun = packet_kind(datagram) is PacketKind.STUN
    return is_stun and stun.parse(datagram).message_class is StunClass.REQUEST


def _udp_socket() -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bound.bind((LOOPBACK, 0))
    bound.setblocking(False)
    return bound
