"""Clients' sockets, and sockets of those who forge their source addresses.

The forgery is real: the relay gets a datagram from the client's own address and port.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from antiphon_proto.address import Address

LARGEST = 2048


def open_client(relay: Address, host: str = "127.0.0.1") -> socket.socket:
    """A socket on an address of its own, whose source may be forged on this machine."""
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.bind((host, 0))
    # After it was bound: of shared addresses the kernel gives out the same port twice.
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    opened.connect(relay)
    opened.setblocking(False)
    return opened


@contextmanager
def forging(victim: Address) -> Iterator[socket.socket]:
    """A socket that sends from that address, and gets nothing of what comes there.

    Of two sockets the kernel gives it to the one that is connected to whom it comes from.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as forger:
        forger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        forger.bind(victim)
        yield forger


def received(client: socket.socket) -> list[bytes]:
    """The datagrams that have arrived."""
    datagrams = []
    try:
        while True:
            datagrams.append(client.recv(LARGEST))
    except BlockingIOError:
        return datagrams
