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
    sip_datagrams: tuple[socket.socket, ...] = ()
    """One port for all, among whose sockets the kernel chooses by the peer's address. None
    without --sip."""
    sip_streams: socket.socket | None = None
    """Whichever worker accepts a connection has it; of the same port."""
    sip_tls: socket.socket | None = None

    def close(self) -> None:
        for each in (self.http, *self.tunnels, *self.peers, *self.admins, *self.sip_datagrams):
            each.close()
        for listening in (self.sip_streams, self.sip_tls):
            if listening is not None:
                listening.close()


def open_sockets(config: TransceiverConfig) -> TransceiverSockets:
    """Bind everything. Raises SettingError naming the address that cannot be used."""
    workers = range(config.workers)
    tunnels, peers = zip(*(_bind_tunnel(config.tunnel, i) for i in workers), strict=True)
    sip_datagrams, sip_streams = _bind_sip(config.sip, config.workers) if config.sip else ((), None)
    return TransceiverSockets(
        http=bind_tcp("--http", config.http),
        tunnels=tunnels,
        peers=peers,
        admins=tuple(bind_tcp("--admin", config.admin, worker=i) for i in workers),
        sip_datagrams=sip_datagrams,
        sip_streams=sip_streams,
        sip_tls=bind_tcp("--sip-tls", config.sip_tls) if config.sip_tls else None,
    )


def _bind_sip(base: HostPort, workers: int) -> tuple[tuple[socket.socket, ...], socket.socket]:
    """UDP sockets of one port, and a TCP socket of the same number."""
    for _attempt in range(1 if base.port else BIND_ATTEMPTS):
        first = bind_udp("--sip", base, shared=True)
        try:
            streams = bind_tcp("--sip", bound_address(first))
        except SettingError as error:
            first.close()
            taken = error
            continue
        others = [bind_udp("--sip", bound_address(first), shared=True) for _ in range(workers - 1)]
        return (first, *others), streams
    raise taken


def _bind_tunnel(base: HostPort, worker: int) -> tuple[socket.socket, socket.socket]:
    """A UDP and a TCP socket of one number; where any will do, one that is free for both."""
    for _attempt in range(1 if base.port else BIND_ATTEMPTS):
        tunnel = bind_udp("--tunnel", base, worker=worker)
        try:
            return tunnel, bind_tcp("--tunnel", bound_address(tunnel))
        except SettingError as error:
            tunnel.close()
            taken = error
    raise taken
