"""Sockets that a supervisor binds for its workers.

A port in use is thereby known before any worker runs, and a crashed worker's
ports stay its own: what arrives waits for the next worker.
"""

import socket
from collections.abc import Callable

from chassis.host_port import HostPort
from chassis.settings import SettingError

LAST_PORT = 65535

UDP_BUFFER_BYTES = 4 << 20
"""Wanted for a UDP socket's queues: about 100 ms at 40 000 voice packets a second. The
kernel grants at most net.core.rmem_max and wmem_max."""


def bind_udp(flag: str, base: HostPort, *, worker: int = 0, shared: bool = False) -> socket.socket:
    """Worker number `worker`'s socket: its port is `base`'s plus that number, or any for 0.

    `shared` lets several sockets bind the address. An IPv6 socket serves IPv6 alone.
    Raises SettingError that names `flag` and the address when it cannot be used.
    """

    def prepare(unbound: socket.socket) -> None:
        if unbound.family == socket.AF_INET6:
            # IPv4 clients would appear as ::ffff:a.b.c.d, which is not what ICE calls them.
            unbound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if shared:
            unbound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        for buffer in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            unbound.setsockopt(socket.SOL_SOCKET, buffer, UDP_BUFFER_BYTES)

    return _bind(flag, base, worker, socket.SOCK_DGRAM, prepare)


def bind_tcp(flag: str, base: HostPort, *, worker: int = 0) -> socket.socket:
    """As `bind_udp`, for a socket that is to listen."""

    def prepare(unbound: socket.socket) -> None:
        unbound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)

    return _bind(flag, base, worker, socket.SOCK_STREAM, prepare)


def bound_address(bound: socket.socket) -> HostPort:
    host, port = bound.getsockname()[:2]
    return HostPort(host, port)


def resolved(address: HostPort) -> HostPort:
    """The address as `bound_address` would tell it. Raises OSError for a host not known."""
    where = socket.getaddrinfo(*address, type=socket.SOCK_DGRAM)[0][4]
    return HostPort(str(where[0]), address.port)


def _bind(
    flag: str,
    base: HostPort,
    worker: int,
    kind: socket.SocketKind,
    prepare: Callable[[socket.socket], None],
) -> socket.socket:
    address = HostPort(base.host, base.port and base.port + worker)
    if address.port > LAST_PORT:
        raise SettingError(f"{flag} {base}: no port for worker {worker}, {worker} above it")
    try:
        family, kind, protocol, _name, where = socket.getaddrinfo(*address, type=kind)[0]
        bound = socket.socket(family, kind, protocol)
        try:
            prepare(bound)
            bound.bind(where)
        except BaseException:
            bound.close()
            raise
    except OSError as error:
        raise SettingError(f"{flag} {address}: {error.strerror}") from error
    bound.setblocking(False)
    return bound
