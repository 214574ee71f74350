"""The sockets of all workers, opened by the supervisor.

The listening HTTP socket is one for all workers: whichever accepts a connection
owns the call that it asks for.
"""

import socket
from dataclasses import dataclass

from chassis.bound_socket import bind_tcp, bind_udp
from transceiver.config import TransceiverConfig


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
        http=bind_tcp("--http", config.http),
        tunnels=tuple(bind_udp("--tunnel", config.tunnel, worker=i) for i in workers),
        admins=tuple(bind_tcp("--admin", config.admin, worker=i) for i in workers),
    )
