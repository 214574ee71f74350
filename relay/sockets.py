"""The relay's UDP sockets: one public and one tunnel socket for each worker.

The supervisor opens them and keeps them open, and a worker inherits its pair.
So a crashed worker's ports stay its own: what arrives waits for the next
worker, and the kernel goes on spreading clients over the public sockets as
before, which leaves its siblings' flows where they are.
"""

import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from chassis.host_port import HostPort
from chassis.settings import SettingError

BUFFER_BYTES = 4 << 20
"""Wanted for each socket's queues: about 100 ms at 40 000 voice packets a second."""

LAST_PORT = 65535

# https://man7.org/linux/man-pages/man7/socket.7.html; not among Python's constants.
SO_MEMINFO = 55
_MEMINFO = struct.Struct("9I")
_MEMINFO_DROPS = 8


@dataclass(frozen=True, slots=True)
class RelaySockets:
    """Worker I owns the I-th of both. Pickles, to a process being spawned only."""

    public: tuple[socket.socket, ...]
    tunnels: tuple[socket.socket, ...]

    def take(self, index: int) -> tuple[socket.socket, socket.socket]:
        """Worker `index`'s public and tunnel socket; closes this process's hold on the others."""
        for other, pair in enumerate(zip(self.public, self.tunnels, strict=True)):
            if other != index:
                for unused in pair:
                    unused.close()
        return self.public[index], self.tunnels[index]

    def close(self) -> None:
        for each in (*self.public, *self.tunnels):
            each.close()


def open_sockets(public: HostPort, tunnel: HostPort, workers: int) -> RelaySockets:
    """Bind every worker's sockets. Raises SettingError naming the address that cannot be used."""
    try:
        public = _unused(public)
        publics = tuple(_bind(public, shared=True) for _ in range(workers))
    except OSError as error:
        raise SettingError(f"--public {public}: {error.strerror}") from error
    if tunnel.port + workers - 1 > LAST_PORT:
        raise SettingError(f"--tunnel {tunnel}: no port for each of {workers} workers from there")
    try:
        tunnels = tuple(_bind(_nth(tunnel, index)) for index in range(workers))
    except OSError as error:
        raise SettingError(f"--tunnel {tunnel}: {error.strerror}") from error
    return RelaySockets(publics, tunnels)


def bound_address(bound: socket.socket) -> HostPort:
    host, port = bound.getsockname()[:2]
    return HostPort(host, port)


def receive_buffer_drops(sockets: Sequence[socket.socket]) -> int:
    """Datagrams that the kernel discarded because a socket's receive buffer was full."""
    return sum(map(_drops, sockets))


def _drops(bound: socket.socket) -> int:
    packed = bound.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, _MEMINFO.size)
    drops: int = _MEMINFO.unpack(packed)[_MEMINFO_DROPS]
    return drops


def _unused(address: HostPort) -> HostPort:
    """The address, with a port for 0, once it proved to be nobody's.

    SO_REUSEPORT would let a second relay bind the port of the first, and
    silently take half of its clients. Binding without it fails instead.
    """
    with _bind(address) as probe:
        return bound_address(probe)


def _nth(address: HostPort, index: int) -> HostPort:
    return HostPort(address.host, address.port and address.port + index)


def _bind(address: HostPort, *, shared: bool = False) -> socket.socket:
    family, kind, protocol, _name, where = socket.getaddrinfo(
        address.host, address.port, type=socket.SOCK_DGRAM
    )[0]
    bound = socket.socket(family, kind, protocol)
    try:
        if family == socket.AF_INET6:
            # IPv4 clients would appear as ::ffff:a.b.c.d, which is not what ICE calls them.
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if shared:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        for buffer in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            # The kernel grants at most net.core.rmem_max and wmem_max.
            bound.setsockopt(socket.SOL_SOCKET, buffer, BUFFER_BYTES)
        bound.bind(where)
    except BaseException:
        bound.close()
        raise
    bound.setblocking(False)
    return bound
