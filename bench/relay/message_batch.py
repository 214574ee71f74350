"""Arrays of the kernel's `struct mmsghdr`, with what they point at.

https://man7.org/linux/man-pages/man2/recvmmsg.2.html. The layout is that of every
64-bit Linux; addresses and payload fields are kept in the byte order of the machine,
which this takes for little-endian.
"""

import socket
import struct
from typing import NamedTuple

import numpy as np

HEADER_BYTES = 64
LENGTH_WORD = 14
"""Where a header's 32-bit words hold the number of bytes received."""

NAME_BYTES = 16
CONTROL_BYTES = 32
LOCAL_HOST_WORD = 5
"""Where IP_PKTINFO's control message holds the address to send from."""
ARRIVED_AT_WORD = 6
"""Where it holds the address that a received packet was sent to."""

IP_PKTINFO = 8
_PKTINFO_LENGTH = 28
_SOCKADDR = struct.Struct("=H2s4s8x")


class MessageBatch(NamedTuple):
    """`n` messages; every array outlives every call that is given `pointer`."""

    headers: np.ndarray
    """uint64 (n, 8): name, its length, vectors, their number, control, its length, flags, length"""
    header_words: np.ndarray
    """uint32 (n, 16), the same memory."""
    vectors: np.ndarray
    """uint64 (n * vectors of each, 2): pointer and length."""
    names: np.ndarray
    """uint64 (n, 2): struct sockaddr_in."""
    control: np.ndarray
    """uint32 (n, 8): one control message of IP_PKTINFO."""
    buffers: np.ndarray
    """uint8 (n, stride)."""
    words: np.ndarray
    """uint32 (n, stride / 4), the same memory."""
    pointer: int
    buffer_pointer: int
    name_pointer: int


def message_batch(
    count: int, stride: int, *, vectors: int = 1, packet_info: bool = False
) -> MessageBatch:
    """`count` messages whose first vector covers their buffer of `stride` bytes."""
    headers = np.zeros((count, HEADER_BYTES // 8), np.uint64)
    parts = np.zeros((count * vectors, 2), np.uint64)
    names = np.zeros((count, NAME_BYTES // 8), np.uint64)
    control = np.zeros((count, CONTROL_BYTES // 4), np.uint32)
    buffers = np.zeros((count, stride), np.uint8)
    index = np.arange(count, dtype=np.uint64)
    parts[::vectors, 0] = buffers.ctypes.data + index * np.uint64(stride)
    parts[::vectors, 1] = stride
    headers[:, 0] = names.ctypes.data + index * np.uint64(NAME_BYTES)
    headers[:, 1] = NAME_BYTES
    headers[:, 2] = parts.ctypes.data + index * np.uint64(16 * vectors)
    headers[:, 3] = vectors
    if packet_info:
        control[:, 0] = _PKTINFO_LENGTH
        control[:, 2:4] = socket.IPPROTO_IP, IP_PKTINFO
        headers[:, 4] = control.ctypes.data + index * np.uint64(CONTROL_BYTES)
        headers[:, 5] = CONTROL_BYTES
    return MessageBatch(
        headers,
        headers.view(np.uint32),
        parts,
        names,
        control,
        buffers,
        buffers.view(np.uint32),
        headers.ctypes.data,
        buffers.ctypes.data,
        names.ctypes.data,
    )


def socket_name(host: str, port: int) -> np.ndarray:
    """An IPv4 address as struct sockaddr_in: two uint64, of which the first holds it all."""
    packed = _SOCKADDR.pack(socket.AF_INET, port.to_bytes(2, "big"), socket.inet_aton(host))
    return np.frombuffer(packed, np.uint64)


def host_word(host: str) -> int:
    """An IPv4 host as the kernel holds it in memory."""
    return int.from_bytes(socket.inet_aton(host), "little")
