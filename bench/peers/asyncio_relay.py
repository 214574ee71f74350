"""The relay that one writes first in Python: asyncio's datagram protocol, a dict of flows.

It speaks Antiphon's wire format, so that it runs under the same load, and like the Go relay
beside it it verifies neither a check's integrity nor a tunnel's tag. `--public`, `--tunnel`,
`--cluster-keys FILE`, `--owner HOST:PORT=HEADER` for each owner, `--ready-fd`.
"""

import argparse
import asyncio
import socket
import struct
import time
from collections.abc import Mapping
from pathlib import Path

from antiphon_proto import stun
from antiphon_proto.address import Address, encode_address
from antiphon_proto.cluster_keys import ClusterKeys
from antiphon_proto.demux import PacketKind, packet_kind
from antiphon_proto.ufrag import UfragError, UfragReader
from chassis.readiness import report_ready

BUFFER_BYTES = 4 << 20
RECEIVE_BYTES = 65536
"""asyncio allocates this anew for each datagram, 256 KiB unless it is told otherwise."""

TUNNEL_HEADER = 20
DATA = b"\x00"
_FRAME = struct.Struct(">HBBH4s")
_LENGTH = struct.Struct(">H")


class Public(asyncio.DatagramProtocol):
    """What clients send goes to the owner that their last check named."""

    def __init__(self, ufrags: UfragReader, headers: Mapping[Address, bytes]) -> None:
        self._ufrags = ufrags
        self._headers = headers
        self._flows: dict[Address, tuple[bytes, bytes, Address]] = {}
        self.tunnel: asyncio.DatagramTransport | None = None

    def datagram_received(self, data: bytes, addr: Address) -> None:
        kind = packet_kind(data)
        if kind is PacketKind.STUN:
            self._follow(data, addr)
        elif kind is PacketKind.OTHER:
            return
        flow = self._flows.get(addr)
        if flow is None or self.tunnel is None:
            return
        header, client, owner = flow
        self.tunnel.sendto(b"".join((header, _LENGTH.pack(len(data)), client, data)), owner)

    def _follow(self, check: bytes, client: Address) -> None:
        try:
            ufrag = stun.parse(check).local_ufrag
            owner = self._ufrags.read(ufrag or b"", time.time())
        except (stun.StunError, UfragError):
            return
        address = owner.address, owner.port
        self._flows[client] = self._headers[address], DATA + encode_address(client), address


class Tunnel(asyncio.DatagramProtocol):
    """What owners send goes to the clients that the frames name."""

    def __init__(self, public: asyncio.DatagramTransport) -> None:
        self._public = public
        self._hosts: dict[bytes, str] = {}

    def datagram_received(self, data: bytes, addr: Address) -> None:
        at, end = TUNNEL_HEADER, len(data)
        while at + _FRAME.size <= end:
            size, _type, _family, port, packed = _FRAME.unpack_from(data, at)
            host = self._hosts.get(packed)
            if host is None:
                host = self._hosts[packed] = socket.inet_ntoa(packed)
            at += _FRAME.size
            self._public.sendto(data[at : at + size], (host, port))
            at += size


def _udp(address: str) -> socket.socket:
    host, _colon, port = address.rpartition(":")
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        opened.setsockopt(socket.SOL_SOCKET, option, BUFFER_BYTES)
    opened.bind((host, int(port)))
    return opened


def _named(opened: socket.socket) -> str:
    return "{}:{}".format(*opened.getsockname())


def _header(text: str) -> tuple[Address, bytes]:
    name, _equals, header = text.partition("=")
    host, _colon, port = name.rpartition(":")
    return (host, int(port)), bytes.fromhex(header)


async def relay(arguments: argparse.Namespace) -> None:
    keys = ClusterKeys.parse(Path(arguments.cluster_keys).read_text())
    loop = asyncio.get_running_loop()
    public, tunnel = _udp(arguments.public), _udp(arguments.tunnel)
    facing_clients, clients = await loop.create_datagram_endpoint(
        lambda: Public(UfragReader(keys), dict(arguments.owner)), sock=public
    )
    facing_owners, _ = await loop.create_datagram_endpoint(
        lambda: Tunnel(facing_clients), sock=tunnel
    )
    clients.tunnel = facing_owners
    for transport in (facing_clients, facing_owners):
        transport.max_size = RECEIVE_BYTES  # type: ignore[attr-defined]
    report_ready(arguments.ready_fd, {"public": _named(public), "tunnels": [_named(tunnel)]})
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--public", default="127.0.0.1:0")
    parser.add_argument("--tunnel", default="127.0.0.1:0")
    parser.add_argument("--cluster-keys", required=True)
    parser.add_argument("--ready-fd", type=int)
    parser.add_argument("--owner", action="append", type=_header, default=[])
    asyncio.run(relay(parser.parse_args()))
