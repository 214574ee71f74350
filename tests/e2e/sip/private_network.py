"""A network of private addresses behind a NAT, for phones that know nothing of the one outside.

It is a network namespace with one interface, whose packets this process translates: UDP only.
A port outside stands for one inside, and lets in only what was written to from there.
"""

import asyncio
import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import pytest

from antiphon_proto.address import Address

PHONE_ADDRESS = "10.77.0.2"
_CLONE_NEWNET = 0x40000000
_IFF_TUN_NO_PI = 0x0001 | 0x1000
_TUNSETIFF = 0x400454CA
_TUN = "/dev/net/tun"
_LARGEST = 2048
_SET_UP = (
    "ip link set lo up",
    # What is 127.0.0.1 outside is so inside, and somewhere else.
    "ip address delete 127.0.0.1/8 dev lo",
    f"ip address add {PHONE_ADDRESS}/24 dev outside",
    "ip link set outside up",
    "sysctl -q -w net.ipv4.conf.outside.route_localnet=1",
    "ip route add 127.0.0.1 dev outside",
)

ResultT = TypeVar("ResultT")

needs_private_network = pytest.mark.skipif(
    os.geteuid() != 0 or not os.path.exists(_TUN),
    reason="no private network: it needs root, and /dev/net/tun",
)


class PrivateNetwork:
    """Translates while it is open, to sockets on `outside`."""

    def __init__(self, outside: str) -> None:
        self.translated: dict[Address, socket.socket] = {}
        """By the address inside."""
        self._outside = outside
        self._written_to: dict[Address, set[Address]] = {}
        self._namespace, self._interface = _in_thread(_made)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._interface, self._carry_out)

    @property
    def within(self) -> tuple[str, ...]:
        """The words before a command that is to run inside."""
        return ("nsenter", f"--net=/proc/{os.getpid()}/fd/{self._namespace}")

    def connected(self, port: int) -> socket.socket:
        """A TCP connection from the phone to itself. Raises OSError."""

        def connect() -> socket.socket:
            _enter(self._namespace)
            return socket.create_connection((PHONE_ADDRESS, port))

        return _in_thread(connect)

    def close(self) -> None:
        self._loop.remove_reader(self._interface)
        for opened in self.translated.values():
            self._loop.remove_reader(opened)
            opened.close()
        os.close(self._interface)
        os.close(self._namespace)

    def _carry_out(self) -> None:
        packet = os.read(self._interface, _LARGEST)
        header_bytes = (packet[0] & 0xF) * 4
        if packet[0] >> 4 != 4 or packet[9] != socket.IPPROTO_UDP:
            return
        source_port, port = struct.unpack_from(">HH", packet, header_bytes)
        inside = socket.inet_ntoa(packet[12:16]), source_port
        outside = socket.inet_ntoa(packet[16:20]), port
        self._written_to.setdefault(inside, set()).add(outside)
        self._mapped(inside).sendto(packet[header_bytes + 8 :], outside)

    def _mapped(self, inside: Address) -> socket.socket:
        if inside not in self.translated:
            opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            opened.bind((self._outside, 0))
            self.translated[inside] = opened
            self._loop.add_reader(opened, self._carry_in, inside, opened)
        return self.translated[inside]

    def _carry_in(self, inside: Address, opened: socket.socket) -> None:
        datagram, sender = opened.recvfrom(_LARGEST)
        if sender in self._written_to[inside]:
            os.write(self._interface, _packet(datagram, sender, inside))


@asynccontextmanager
async def private_network(outside: str) -> AsyncIterator[PrivateNetwork]:
    network = PrivateNetwork(outside)
    try:
        yield network
    finally:
        network.close()


def _in_thread(work: Callable[[], ResultT]) -> ResultT:
    """What it returns, done in a thread of its own: namespaces are a thread's."""
    results: list[ResultT] = []
    thread = threading.Thread(target=lambda: results.append(work()))
    thread.start()
    thread.join()
    return results[0]


def _made() -> tuple[int, int]:
    """Descriptors of a new namespace and of its interface."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    interface = os.open(_TUN, os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(interface, _TUNSETIFF, struct.pack("16sH22x", b"outside", _IFF_TUN_NO_PI))
    for command in _SET_UP:
        subprocess.run(command.split(), check=True)
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY), interface


def _enter(namespace: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def _packet(datagram: bytes, source: Address, target: Address) -> bytes:
    udp = struct.pack(">HHHH", source[1], target[1], 8 + len(datagram), 0) + datagram
    addresses = socket.inet_aton(source[0]) + socket.inet_aton(target[0])
    header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, socket.IPPROTO_UDP, 0)
    checksum = _checksum(header + addresses)
    return header[:10] + checksum.to_bytes(2, "big") + addresses + udp


def _checksum(header: bytes) -> int:
    """https://www.rfc-editor.org/rfc/rfc1071"""
    total = sum(struct.unpack(f">{len(header) // 2}H", header))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
