"""Both ends of the load: sockets and addresses of 4096 clients and of their four owners.

16 sockets make the clients: each is bound to a port of every address, and each packet says
which of 256 hosts in 127.10.0.0/16 it is from (IP_PKTINFO).
"""

import socket
import struct
from collections.abc import Sequence
from typing import Self

import numpy as np

from antiphon_proto.address import Address, encode_address
from antiphon_proto.tunnel import FrameType
from bench.relay.load import (
    ANSWER_BATCH,
    PAYLOAD_BYTES,
    RECEIVE_BATCH,
    SEND_BATCH,
    TUNNEL_HEADER,
    Count,
    Load,
    Traffic,
    run,
)
from bench.relay.message_batch import IP_PKTINFO, host_word, message_batch, socket_name

OWNERS = 4
CLIENT_SOCKETS = 16
HOSTS = 256
CLIENTS = CLIENT_SOCKETS * HOSTS

BUFFER_BYTES = 8 << 20
PACKET_STRIDE = 512
DATAGRAM_STRIDE = 4096
"""Room for one tunnel datagram; a longer one arrives cut, which counts as wrong."""
MAX_LATENCIES = 1 << 20

QUIET_SECONDS = 0.02
QUIET_ROUNDS = 10
"""Nothing more is on its way when nothing arrived for so many times that long."""

_SO_RCVBUFFORCE, _SO_SNDBUFFORCE = 33, 32
_POLLIN = 1
_PKTINFO = struct.Struct("=I4s4x")


class Endpoints:
    """Clients and owners, with no relay between them until `through` or `directly`."""

    def __init__(self) -> None:
        self.owner_sockets = [owner_socket(f"127.0.1.{1 + owner}") for owner in range(OWNERS)]
        self.client_sockets = [_client_socket() for _ in range(CLIENT_SOCKETS)]
        self.owners: list[Address] = [each.getsockname() for each in self.owner_sockets]
        ports = [each.getsockname()[1] for each in self.client_sockets]
        self.clients: list[Address] = [
            (f"127.10.{host >> 8}.{host & 255}", port) for host in range(HOSTS) for port in ports
        ]
        # Neighbours in a batch belong to different owners, as strangers' packets do.
        index = np.arange(CLIENTS)
        self.owner_of = ((index // CLIENT_SOCKETS + index) % OWNERS).astype(np.uint8)
        self.tunnel_of = np.zeros(CLIENTS, np.uint8)
        self.counts = np.zeros(len(Count), np.int64)
        self._load: Load | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in (*self.owner_sockets, *self.client_sockets):
            each.close()

    def send_from(self, client: int, datagram: bytes, to: Address) -> None:
        """Send one datagram from a client, outside the load."""
        host = socket.inet_aton(self.clients[client][0])
        info = (socket.IPPROTO_IP, IP_PKTINFO, _PKTINFO.pack(0, host))
        self.client_sockets[client % CLIENT_SOCKETS].sendmsg([datagram], [info], 0, to)

    def directly(self) -> None:
        """Clients send straight to their owners: what the two ends themselves cost."""
        self._wire(up=self.owners, down=self.clients)

    def through_channels(self, public: Address, relayed: Sequence[Address]) -> None:
        """TURN: clients send ChannelData to `public`; owners see each at its `relayed` address."""
        self._wire(up=[public] * OWNERS, down=relayed, prefix=4)

    def through_tunnel(
        self, public: Address, tunnels: Sequence[Address], headers: Sequence[bytes]
    ) -> None:
        """A relay of our wire format. Client C's packets go down through tunnel `tunnel_of[C]`.

        `headers` are those of DATA, from each owner to each tunnel: the first owner's first.
        """
        down = [tunnels[int(tunnel)] for tunnel in self.tunnel_of]
        self._wire(up=[public] * OWNERS, down=down, tunnels=tunnels, headers=headers)

    def run(self, traffic: Traffic, seconds: float) -> float:
        """Load what lies between; the seconds that it took. Counts go on in `counts`."""
        # Bare integers: numba would compile the loop anew for each kind of enum member.
        plain = Traffic(*map(int, traffic))
        return run(self._wired(), plain, int(seconds * 1e9)) / 1e9

    def precompile(self) -> None:
        """Compile the loop, or load it where it was compiled before; takes half a minute once."""
        self.directly()
        self.run(Traffic(), 0.0)

    def settle(self) -> None:
        """Receive until all has arrived, or nothing more does."""
        quiet = 0
        while self.received < self.sent and quiet < QUIET_ROUNDS:
            before = self.received
            self.run(Traffic(), QUIET_SECONDS)
            quiet = 0 if self.received > before else quiet + 1

    @property
    def sent(self) -> int:
        """Packets sent, both directions."""
        return int(self.counts[Count.UP_SENT] + self.counts[Count.DOWN_SENT])

    @property
    def received(self) -> int:
        """Packets that arrived where they belong, both directions."""
        return int(self.counts[Count.UP_RECEIVED] + self.counts[Count.DOWN_RECEIVED])

    def latencies(self) -> np.ndarray:
        """The recorded one-way latencies, in ns."""
        return self._wired().latencies[: self.counts[Count.LATENCIES]]

    def _wired(self) -> Load:
        if self._load is None:
            raise ValueError("nothing is wired yet")
        return self._load

    def _wire(
        self,
        *,
        up: Sequence[Address],
        down: Sequence[Address],
        tunnels: Sequence[Address] = (),
        headers: Sequence[bytes] = (),
        prefix: int = 0,
    ) -> None:
        sending = message_batch(SEND_BATCH, PACKET_STRIDE, packet_info=True)
        sending.vectors[:, 1] = prefix + PAYLOAD_BYTES
        if prefix:
            sending.buffers[:, :prefix] = list(struct.pack(">HH", 0x4000, PAYLOAD_BYTES))
        self._load = Load(
            client_sockets=_descriptors(self.client_sockets),
            owner_sockets=_descriptors(self.owner_sockets),
            polled=_polled([*self.client_sockets, *self.owner_sockets]),
            client_hosts=np.array([host_word(host) for host, _port in self.clients], np.uint32),
            client_frames=_frames(self.clients),
            owner_of=self.owner_of,
            clients_of=_clients_of(self.owner_of),
            up_names=_names(up),
            down_names=_names(down),
            tunnel_names=_names(tunnels or [("0.0.0.0", 0)]),
            tunnel_of=self.tunnel_of,
            tunnel_headers=_rows(headers or [bytes(TUNNEL_HEADER)] * OWNERS),
            framed=int(bool(tunnels)),
            prefix=prefix,
            up=sending,
            down=message_batch(SEND_BATCH, PACKET_STRIDE, vectors=2),
            owner_in=message_batch(RECEIVE_BATCH, DATAGRAM_STRIDE),
            client_in=message_batch(RECEIVE_BATCH, PACKET_STRIDE, packet_info=True),
            answers=message_batch(ANSWER_BATCH, 8, vectors=2),
            counts=self.counts,
            next_client=np.zeros(CLIENT_SOCKETS + OWNERS, np.int64),
            latencies=np.zeros(MAX_LATENCIES, np.uint32),
            timespec=np.zeros(2, np.int64),
        )


def owner_socket(host: str) -> socket.socket:
    """A socket of an owner, on any port of a loopback host."""
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for force, polite in (
        (_SO_RCVBUFFORCE, socket.SO_RCVBUF),
        (_SO_SNDBUFFORCE, socket.SO_SNDBUF),
    ):
        try:
            opened.setsockopt(socket.SOL_SOCKET, force, BUFFER_BYTES)
        except PermissionError:
            opened.setsockopt(socket.SOL_SOCKET, polite, BUFFER_BYTES)
    opened.bind((host, 0))
    opened.setblocking(False)
    return opened


def _client_socket() -> socket.socket:
    """One that can be any host of 127.0.0.0/8, and that nobody outside reaches."""
    opened = owner_socket("0.0.0.0")
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
    opened.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
    return opened


def _descriptors(sockets: Sequence[socket.socket]) -> np.ndarray:
    return np.array([each.fileno() for each in sockets], np.int32)


def _polled(sockets: Sequence[socket.socket]) -> np.ndarray:
    return np.array([each.fileno() | _POLLIN << 32 for each in sockets], np.uint64)


def _names(addresses: Sequence[Address]) -> np.ndarray:
    return np.array([socket_name(*address) for address in addresses], np.uint64)


def _rows(headers: Sequence[bytes]) -> np.ndarray:
    return np.frombuffer(b"".join(headers), np.uint8).reshape(len(headers), -1).copy()


def _frames(clients: Sequence[Address]) -> np.ndarray:
    return _rows([bytes([FrameType.DATA]) + encode_address(client) for client in clients])


def _clients_of(owner_of: np.ndarray) -> np.ndarray:
    return np.array([np.flatnonzero(owner_of == owner) for owner in range(OWNERS)], np.uint32)
