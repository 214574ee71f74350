"""Arrays of the kernel's `struct mmsghdr`, with what they point at.

https://man7.org/linux/man-pages/man2/recvmmsg.2.html, as every 64-bit Linux lays it out.
"""

import socket
import struct
from typing import Any, NamedTuple

import numpy as np

from loadtest.compiled.compiling import jit

NAME_BYTES = 32
"""Of `struct sockaddr_in6`, 28, rounded up."""
_HEADER_BYTES = 64
_NAME_LENGTH_WORD = 1
_LENGTH_WORD = 7
_FAMILY = struct.Struct("=H")
_IPV4 = struct.Struct(">2xH4s")
_IPV6 = struct.Struct(">2xH4x16s")


class MessageBatch(NamedTuple):
    """`n` messages of one part each; every array outlives the calls that are given `pointer`."""

    headers: Any
    """uint64 (n, 8): name, its length, vectors, their number, control, its length, flags, length"""
    vectors: Any
    """uint64 (n, 2): pointer and length."""
    names: Any
    """uint8 (n, NAME_BYTES)."""
    buffers: Any
    """uint8 (n, stride)."""
    pointer: int


def new_batch(count: int, stride: int) -> MessageBatch:
    """Messages that take up to `stride` bytes."""
    headers = np.zeros((count, _HEADER_BYTES // 8), np.uint64)
    vectors = np.zeros((count, 2), np.uint64)
    names = np.zeros((count, NAME_BYTES), np.uint8)
    buffers = np.zeros((count, stride), np.uint8)
    index = np.arange(count, dtype=np.uint64)
    vectors[:, 0] = buffers.ctypes.data + index * np.uint64(stride)
    vectors[:, 1] = stride
    headers[:, 0] = names.ctypes.data + index * np.uint64(NAME_BYTES)
    headers[:, 1] = NAME_BYTES
    headers[:, 2] = vectors.ctypes.data + index * np.uint64(16)
    headers[:, 3] = 1
    return MessageBatch(headers, vectors, names, buffers, headers.ctypes.data)


@jit
def received_bytes(batch: MessageBatch, message: int) -> int:
    return int(batch.headers[message, _LENGTH_WORD] & np.uint64(0xFFFFFFFF))


@jit
def set_received(batch: MessageBatch, message: int, size: int) -> None:
    batch.headers[message, _LENGTH_WORD] = np.uint64(size)


@jit
def forget_names(batch: MessageBatch, messages: int) -> None:
    """Make room for names again: the kernel wrote how long those were that it left."""
    for message in range(messages):
        batch.headers[message, _NAME_LENGTH_WORD] = np.uint64(NAME_BYTES)


@jit
def set_message(batch: MessageBatch, message: int, size: int, names: Any, name: int) -> None:
    """Let a message have `size` bytes and go to the address in row `name`."""
    batch.vectors[message, 1] = np.uint64(size)
    for at in range(NAME_BYTES):
        batch.names[message, at] = names[name, at]
    ipv6 = names[name, 0] == socket.AF_INET6
    batch.headers[message, _NAME_LENGTH_WORD] = np.uint64(28 if ipv6 else 16)


def socket_name(host: str, port: int) -> bytes:
    """An IP address as the kernel holds it, NAME_BYTES long."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    packed = socket.inet_pton(family, host)
    rest = port.to_bytes(2, "big") + (bytes(4) if family == socket.AF_INET6 else b"") + packed
    return (_FAMILY.pack(family) + rest).ljust(NAME_BYTES, b"\0")


def address_of(name: bytes) -> tuple[str, int]:
    """The IP address that `socket_name` wrote, or the kernel."""
    (family,) = _FAMILY.unpack_from(name)
    port, host = (_IPV6 if family == socket.AF_INET6 else _IPV4).unpack_from(name)
    return socket.inet_ntop(family, host), port
