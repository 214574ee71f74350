"""The sockets of all workers, opened by the supervisor.

The listening HTTP socket is one for all workers: whichever accepts a connection
owns the call that it asks for.
"""

import socket
from dataclasses import dataclass

from chassis.bound_socket import bind_tcp, bind_udp, bound_address
from chassis.host_port import HostPort
from chassis.settings import SettingError
from transceiver.config import TransceiverConfig

BIND_ATTEMPTS = 20


@dataclass(frozen=True, slots=True)
class TransceiverSockets:
    """Worker I owns the I-th socket of each kind. Pickles, to a process being spawned only."""

    http: socket.socket
    tunnels: tuple[socket.socket, ...]
    peers: tuple[socket.socket, ...]
    """Where other workers reach it by HTTP: the TCP ports of the tunnels' numbers."""
    admins: tuple[socket.socket, ...]
    sip_datagrams: socket.socket | None = None
    """One for all workers: whichever reads a message hands it to its owner."""
    sip_streams: socket.socket | None = None
    """Whichever worker accepts a connection has it; of the same port."""
    sip_tls: socket.socket | None = None

    def close(self) -> None:
        for each in (self.http, *self.tunnels, *self.peers, *self.admins):
            each.close()
        for optional in (self.sip_datagrams, self.sip_streams, self.sip_tls):
            if optional is not None:
                optional.close()


def open_sockets(config: TransceiverConfig) -> TransceiverSockets:
    """Bind everything. Raises SettingError naming the address that cannot be used."""
    workers = range(config.workers)
    tunnels, peers = zip(*(_bind_pair("--tunnel", config.tunnel, i) for i in workers), strict=True)
    sip = _bind_pair("--sip", config.sip) if config.sip else (None, None)
    return TransceiverSockets(
        http=bind_tcp("--http", config.http),
        tunnels=tunnels,
        peers=peers,
        admins=tuple(bind_tcp("--admin", config.admin, worker=i) for i in workers),
        sip_datagrams=sip[0],
        sip_streams=sip[1],
        sip_tls=bind_tcp("--sip-tls", config.sip_tls) if config.sip_tls else None,
    )


def _bind_pair(flag: str, base: HostPort, worker: int = 0) -> tuple[socket.socket, socket.socket]:
    """A UDP and a TCP socket of one number; where any will do, one that is free for both."""
    for _attempt in range(1 if base.port else BIND_ATTEMPTS):
        datagrams = bind_udp(flag, base, worker=worker)
        try:
            return datagrams, bind_tcp(flag, bound_address(datagrams))
        except SettingError as error:
            datagrams.close()
            taken = error
    raise taken
