"""What a relay and the one that replaces it say to each other.

Both talk over a Unix socket; the predecessor listens. Every message is a 32-bit length
and msgpack, and the offer's sockets follow it as file descriptors:

    predecessor   Offer          the sockets, which it goes on reading
    successor     SnapshotWanted when its workers are loaded
    predecessor   Remembered     what its workers remember
    successor     TakenOver      its workers are reading
    predecessor   Released       its own have stopped, and all that they had read is sent on

Until TakenOver either side may go away, and the predecessor relays on: it gave up nothing.
From then on the successor does, even if the predecessor dies before it has released. For the
moment in which both read, each datagram goes to one of them.
"""

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import Iterator, Sequence
from typing import TypeVar

import msgspec

from relay.port_leases import LeaseSnapshot
from relay.table_snapshot import TableSnapshot

VERSION = 3

STEP_S = 300.0
"""How long either side waits for the other, which may be compiling the fast path."""

LONGEST_MESSAGE = 1 << 30
DESCRIPTORS_AT_ONCE = 250
"""The kernel passes at most 253 with one message."""
_LENGTH = struct.Struct(">I")
_PEER = struct.Struct("iII")


class HandoverError(Exception):
    """The hand-over cannot go on; the text says why."""


class HandoverRefusedError(HandoverError):
    """The predecessor said that it goes on relaying."""


class Offer(msgspec.Struct, frozen=True, tag=True):
    """Sockets follow: every worker's public ones, the tunnels, the admin port's, and those of
    every worker's phone ports."""

    version: int
    workers: int
    publics: int
    """Public sockets of each worker."""
    phones: list[int]
    """Phone ports of each worker."""


class SnapshotWanted(msgspec.Struct, frozen=True, tag=True):
    """Nothing but its name; likewise the next ones."""


class Remembered(msgspec.Struct, frozen=True, tag=True):
    """What the workers remember; seconds count from now."""

    table: TableSnapshot
    leases: list[LeaseSnapshot] = []


class TakenOver(msgspec.Struct, frozen=True, tag=True):
    pass


class Released(msgspec.Struct, frozen=True, tag=True):
    pass


class Refused(msgspec.Struct, frozen=True, tag=True):
    """In place of any message of the predecessor's."""

    reason: str


Message = Offer | SnapshotWanted | Remembered | TakenOver | Released | Refused
MessageT = TypeVar("MessageT", Offer, SnapshotWanted, Remembered, TakenOver, Released)


class HandoverChannel:
    """One end of a hand-over between two processes of the same user."""

    def __init__(self, connection: socket.socket) -> None:
        """`connection` is the channel's from now on. Raises HandoverError for a stranger."""
        connection.setblocking(False)
        self._socket = connection
        self._decoder = msgspec.msgpack.Decoder(Message)
        if _peer_user(connection) != os.geteuid():
            connection.close()
            raise HandoverError("the other side is not of this user")

    async def send(self, message: Message) -> None:
        """Raises HandoverError."""
        encoded = msgspec.msgpack.encode(message)
        with _as_handover_error():
            async with asyncio.timeout(STEP_S):
                await asyncio.get_running_loop().sock_sendall(
                    self._socket, _LENGTH.pack(len(encoded)) + encoded
                )

    async def receive(self) -> Message:
        """Raises HandoverError, for a refusal too."""
        with _as_handover_error():
            async with asyncio.timeout(STEP_S):
                (length,) = _LENGTH.unpack(await self._read(_LENGTH.size))
                if length > LONGEST_MESSAGE:
                    raise HandoverError("the other side speaks something else")
                message: Message = self._decoder.decode(await self._read(length))
        if isinstance(message, Refused):
            raise HandoverRefusedError(message.reason)
        return message

    async def expect(self, kind: type[MessageT]) -> MessageT:
        """The next message, which must be of this kind. Raises HandoverError."""
        message = await self.receive()
        if not isinstance(message, kind):
            raise HandoverError("the other side is out of step")
        return message

    async def send_sockets(self, sockets: Sequence[socket.socket]) -> None:
        """Send them after the message that says how many. Raises HandoverError."""
        descriptors = [each.fileno() for each in sockets]
        with _as_handover_error():
            for at in range(0, len(descriptors), DESCRIPTORS_AT_ONCE):
                # Fits the empty buffer of the connection whatever the other side does.
                socket.send_fds(self._socket, [b"s"], descriptors[at : at + DESCRIPTORS_AT_ONCE])

    async def receive_sockets(self, count: int) -> list[socket.socket]:
        """The `count` sockets that follow a message. Raises HandoverError."""
        received: list[socket.socket] = []
        try:
            with _as_handover_error():
                while len(received) < count:
                    async with asyncio.timeout(STEP_S):
                        await _readable(self._socket)
                    received += _take_sockets(self._socket)
        except BaseException:
            for each in received:
                each.close()
            raise
        return received

    async def refuse(self, reason: str) -> None:
        """Tell the other side, which may be gone."""
        with contextlib.suppress(HandoverError):
            await self.send(Refused(reason))

    def close(self) -> None:
        self._socket.close()

    async def _read(self, size: int) -> bytes:
        chunks = bytearray()
        while len(chunks) < size:
            chunk = await asyncio.get_running_loop().sock_recv(
                self._socket, min(size - len(chunks), 1 << 20)
            )
            if not chunk:
                raise HandoverError("the other side ended")
            chunks += chunk
        return bytes(chunks)


def _peer_user(connection: socket.socket) -> int:
    packed = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    _process, user, _group = _PEER.unpack(packed)
    return int(user)


def _take_sockets(connection: socket.socket) -> list[socket.socket]:
    data, descriptors, _flags, _address = socket.recv_fds(connection, 1, DESCRIPTORS_AT_ONCE)
    if not data:
        raise HandoverError("the other side ended")
    return [socket.socket(fileno=descriptor) for descriptor in descriptors]


async def _readable(connection: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(connection.fileno(), readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(connection.fileno())


@contextlib.contextmanager
def _as_handover_error() -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise HandoverError("the other side did not go on") from error
    except OSError as error:
        raise HandoverError(error.strerror or str(error)) from error
    except msgspec.MsgspecError as error:
        raise HandoverError(f"the other side speaks something else: {error}") from error
