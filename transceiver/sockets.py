"""The sockets of all workers, opened by the supervisor.

A port in use is thereby known before any worker runs, and a crashed worker's
ports stay its own. The listening HTTP socket is one for all workers: whichever
accepts a connection owns the call that it asks for.
"""

import socket
from dataclasses import dataclass

from chassis.host_port import HostPort
from chassis.settings import SettingError
from transceiver.config import TransceiverConfig

BUFFER_BYTES = 4 << 20
"""Wanted for a tunnel socket's queues; the kernel grants at most net.core.rmem_max."""


@dataclass(frozen=True, slots=True)
class TransceiverSockets:
    """Worker I owns the I-th tunnel and admin socket. Pickles, to a process being spawned only."""

    http: socket.socket
    tunnels: tuple[socket.socket, ...]
    admins: tuple[socket.socket, ...]

    def close(self) -> None:
        for each in (self.http, *self.tunnels, *self.admins):
            each.close()


def open_sockets(config: TransceiverConfig) -> TransceiverSockets:
    """Bind everything. Raises SettingError naming the address that cannot be used."""
    workers = range(config.workers)
    return TransceiverSockets(
        http=_open("--http", config.http, socket.SOCK_STREAM),
        tunnels=tuple(_open("--tunnel", config.tunnel, socket.SOCK_DGRAM, i) for i in workers),
        admins=tuple(_open("--admin", config.admin, socket.SOCK_STREAM, i) for i in workers),
    )


def bound_address(bound: socket.socket) -> HostPort:
    host, port = bound.getsockname()[:2]
    return HostPort(host, port)


def _open(flag: str, base: HostPort, kind: socket.SocketKind, index: int = 0) -> socket.socket:
    address = HostPort(base.host, base.port and base.port + index)
    try:
        return _bind(address, kind)
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no such port"
        raise SettingError(f"{flag} {address}: {reason}") from error


def _bind(address: HostPort, kind: socket.SocketKind) -> socket.socket:
    family, kind, protocol, _name, where = socket.getaddrinfo(
        address.host, address.port, type=kind
    )[0]
    bound = socket.socket(family, kind, protocol)
    try:
        if kind is socket.SOCK_STREAM:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        else:
            for buffer in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                bound.setsockopt(socket.SOL_SOCKET, buffer, BUFFER_BYTES)
        bound.bind(where)
    except BaseException:
        bound.close()
        raise
    bound.setblocking(False)
    return bound
