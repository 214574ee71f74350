"""The relay's UDP sockets: one public and one tunnel socket for each worker.

The supervisor opens them and keeps them open, and a worker inherits its pair.
So when one crashes, the kernel goes on spreading clients over the public sockets
as before, which leaves its siblings' flows where they are.
"""

import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from chassis.bound_socket import bind_udp, bound_address
from chassis.host_port import HostPort

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
    public = _unused(public)
    return RelaySockets(
        tuple(bind_udp("--public", public, shared=True) for _ in range(workers)),
        tuple(bind_udp("--tunnel", tunnel, worker=index) for index in range(workers)),
    )


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
    with bind_udp("--public", address) as probe:
        return bound_address(probe)
