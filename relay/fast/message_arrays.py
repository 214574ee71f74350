"""The arrays that the kernel fills and sends from, and all pointers into them.

Bounds checks end where the kernel begins, so every pointer that it is given is made
here, of an array's own address and of lengths that are at most the array's.
"""

import contextlib
import mmap
from typing import Any, NamedTuple

import numpy as np

from relay.fast import libc
from relay.fast.compiling import jit
from relay.fast.layouts import IOVEC, MMSGHDR, NAME_BYTES, i64

HEADROOM = 32
"""Before a received datagram: room for its address and a frame's header."""

FAILED, SENT = 0, 1

_USUAL_BYTES = 2048
"""Of a datagram: the pages that the first ones would otherwise have to wait for."""


class Inbox(NamedTuple):
    """Where datagrams are received, each in a row of `buffers`, from HEADROOM on."""

    buffers: Any
    names: Any
    iovecs: Any
    messages: Any


class Outbox(NamedTuple):
    """What is sent at one go. Iovecs of a message follow each other."""

    names: Any
    headers: Any
    iovecs: Any
    messages: Any
    fates: Any
    """Of each message, once it was tried: FAILED or SENT."""


def new_inbox(messages: int, capacity: int) -> Inbox:
    """Room for datagrams of at most `capacity` bytes."""
    # A line more than a power of two, lest all rows fall on the same lines of the cache.
    stride = -(-(HEADROOM + capacity) // 64) * 64 + 64
    inbox = Inbox(
        _rows(messages, stride),
        np.zeros((messages, NAME_BYTES), np.uint8),
        np.zeros(messages, IOVEC),
        np.zeros(messages, MMSGHDR),
    )
    for i in range(messages):
        inbox.iovecs[i] = (inbox.buffers[i, HEADROOM:].ctypes.data, capacity)
        message = inbox.messages[i]
        message["name"] = inbox.names[i].ctypes.data
        message["name_length"] = NAME_BYTES
        message["iovecs"] = inbox.iovecs[i:].ctypes.data
        message["iovec_count"] = 1
    return inbox


def _rows(count: int, length: int) -> Any:
    """Bytes of which only what is used takes memory: most datagrams are far from the largest."""
    memory = mmap.mmap(-1, count * length)
    # A kernel that was built without huge pages refuses.
    with contextlib.suppress(OSError):
        memory.madvise(mmap.MADV_NOHUGEPAGE)
    rows = np.frombuffer(memory, np.uint8).reshape(count, length)
    rows[:, :_USUAL_BYTES] = 0
    return rows


def new_outbox(messages: int, iovecs: int, header_bytes: int) -> Outbox:
    """Room for messages with `iovecs` parts in all, and a header for each."""
    return Outbox(
        np.zeros((messages, NAME_BYTES), np.uint8),
        np.zeros((messages, header_bytes), np.uint8),
        np.zeros(iovecs, IOVEC),
        np.zeros(messages, MMSGHDR),
        np.zeros(messages, np.uint8),
    )


@jit
def receive(descriptor: int, inbox: Inbox) -> int:
    """Take what waits: the number of datagrams, 0 if none, -1 on an error, which it clears."""
    messages = inbox.messages
    received = i64(
        libc.recvmmsg(descriptor, messages.ctypes.data, len(messages), libc.MSG_DONTWAIT, 0)
    )
    if received >= 0:
        return received
    return 0 if libc.errno_location()[0] in (libc.EAGAIN, libc.EINTR) else -1


@jit
def rearm(inbox: Inbox, received: int) -> None:
    """Give back the room for names, of which the kernel said how much it used."""
    for i in range(received):
        inbox.messages[i].name_length = NAME_BYTES


@jit
def open_message(outbox: Outbox, message: int, iovec: int, name_length: int) -> None:
    """Begin a message at `iovec`, to its row of `names`."""
    header = outbox.messages[message]
    header.name = outbox.names[message].ctypes.data if name_length else 0
    header.name_length = name_length
    header.iovecs = outbox.iovecs[iovec:].ctypes.data
    header.iovec_count = 0


@jit
def add_part(outbox: Outbox, message: int, iovec: int, data: Any, at: int, length: int) -> None:
    """Go on with `length` bytes of `data`, in `iovec`, the next after the one before."""
    part = outbox.iovecs[iovec]
    part.base = data[at : at + length].ctypes.data
    part.length = len(data[at : at + length])
    outbox.messages[message].iovec_count += 1


@jit
def send(descriptor: int, outbox: Outbox, count: int) -> None:
    """Try each of the first `count` messages once, and note its fate."""
    position = i64(0)
    while position < count:
        waiting = outbox.messages[position:count]
        sent = i64(libc.sendmmsg(descriptor, waiting.ctypes.data, len(waiting), libc.MSG_DONTWAIT))
        if sent > 0:
            for _ in range(sent):
                outbox.fates[position] = SENT
                position += 1
        elif libc.errno_location()[0] != libc.EINTR:
            outbox.fates[position] = FAILED
            position += 1
