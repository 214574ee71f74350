"""The UDP socket for SIP, which all workers of the host read and send by."""

import asyncio
import socket
from collections.abc import Callable

from antiphon_proto.address import Address

MAX_DATAGRAM_BYTES = 65_535
AT_ONCE = 64
"""Datagrams that are read before calls get their turn."""

Received = Callable[[bytes, Address], None]


class Datagrams:
    """Hands on what comes from `start` on."""

    def __init__(self, bound: socket.socket) -> None:
        self._socket = bound
        self._received: Received = _ignore

    def start(self, received: Received) -> None:
        self._received = received
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._read)

    def close(self) -> None:
        """The socket stays open."""
        asyncio.get_running_loop().remove_reader(self._socket.fileno())

    def send(self, data: bytes, remote: Address) -> bool:
        """Whether the system took it."""
        try:
            self._socket.sendto(data, remote)
        except (OSError, OverflowError):
            return False
        return True

    def _read(self) -> None:
        for _ in range(AT_ONCE):
            try:
                data, sender = self._socket.recvfrom(MAX_DATAGRAM_BYTES)
            except BlockingIOError:
                return
            except OSError:
                # What a peer said of a datagram before; the socket is as good as ever.
                continue
            host, port = sender[:2]
            self._received(data, (host, port))


def _ignore(_data: bytes, _remote: Address) -> None:
    """Nobody listens yet."""
