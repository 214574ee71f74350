"""What supervisor and worker process say to each other, and the supervisor's end of the link.

A worker says `Loaded` once; from then on the supervisor asks, and the worker gives one
reply to each request, in order. Sockets follow their request as file descriptors.
"""

import asyncio
import socket
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle, send_handle
from typing import Any, overload

from antiphon_proto.address import Address
from antiphon_proto.cluster_keys import ClusterKeys
from relay.description import WorkerDescription
from relay.flows import FlowSnapshot
from relay.port_leases import LeaseSnapshot
from relay.table_snapshot import TableSnapshot


@dataclass(frozen=True, slots=True)
class Loaded:
    """A worker's first word: it could forward at once, and holds no public socket yet."""


@dataclass(frozen=True, slots=True)
class Done:
    """A request was carried out."""


# Requests that are answered `Done`.


@dataclass(frozen=True, slots=True)
class WarmUp:
    """Serve the tunnel alone, so that owners find this worker and announce to it.

    `publics` sockets follow, and `phones` of phone ports, on which it sends meanwhile, and
    which it does not read.
    """

    publics: int
    stale: bool
    """Whether what waits in its tunnel is: no sibling answered owners while nobody read it."""
    phones: int = 0


@dataclass(frozen=True, slots=True)
class Forward:
    """Forward in both directions. `publics` sockets follow, and `phones` of phone ports, in
    place of those before."""

    publics: int
    phones: int = 0


@dataclass(frozen=True, slots=True)
class ReadOut:
    """Forward what waits in the `publics` sockets of a dead worker that follow, and keep them."""

    publics: int


@dataclass(frozen=True, slots=True)
class FinishReadOut:
    """Forward what came to those sockets since, and close them."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a worker remembers: the answer to `TakeSnapshot`."""

    table: TableSnapshot
    leases: list[LeaseSnapshot] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Restore:
    """Take over what another worker remembered; goes before `Forward`."""

    remembered: Snapshot


@dataclass(frozen=True, slots=True)
class Drain:
    """Refuse clients that have no flow yet."""


@dataclass(frozen=True, slots=True)
class ReloadKeys:
    """Use these keys from now on."""

    keys: ClusterKeys


@dataclass(frozen=True, slots=True)
class NameClusters:
    """Where relays of each cluster were found."""

    found: Mapping[int, tuple[Address, ...]]


@dataclass(frozen=True, slots=True)
class StopReading:
    """Receive nothing more, for good: done when everything received before was sent on, and
    the worker has closed its sockets."""


Order = (
    WarmUp
    | Forward
    | ReadOut
    | FinishReadOut
    | Restore
    | Drain
    | ReloadKeys
    | NameClusters
    | StopReading
)


# Requests with an answer of their own.


@dataclass(frozen=True, slots=True)
class Describe:
    """Answered by a `WorkerDescription`."""


@dataclass(frozen=True, slots=True)
class CountBound:
    """How many flows owners have bound."""


@dataclass(frozen=True, slots=True)
class BoundFlows:
    """The answer to `CountBound`."""

    count: int


@dataclass(frozen=True, slots=True)
class FindClient:
    """Which flows a client has: of its address, or of all ports of its host."""

    host: str
    port: int | None


@dataclass(frozen=True, slots=True)
class ClientFlows:
    """The answer to `FindClient`."""

    flows: tuple[FlowSnapshot, ...]


@dataclass(frozen=True, slots=True)
class TakeSnapshot:
    """What the worker remembers, for one that takes its place."""


Question = Describe | CountBound | FindClient | TakeSnapshot
Request = Order | Question
Reply = Done | WorkerDescription | BoundFlows | ClientFlows | Snapshot


class WorkerGoneError(Exception):
    """The worker process ended before it replied."""


class WorkerLink:
    """The supervisor's end of the link to one life of one worker process."""

    def __init__(self, connection: Connection) -> None:
        """Listen from now on. Call from within a running event loop.

        The connection is closed when nobody refers to it any more, not by `lost`: a
        thread may be writing to it.
        """
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._loaded: asyncio.Future[Loaded] = self._loop.create_future()
        self._waiting: deque[asyncio.Future[Reply]] = deque()
        self._sending = asyncio.Lock()
        self.is_lost = False
        """Whether the worker ended."""
        self._loop.add_reader(connection.fileno(), self._receive)

    async def loaded(self) -> None:
        """Wait until the worker is loaded. Raises WorkerGoneError."""
        await asyncio.wait([self._loaded])
        self._loaded.result()

    async def order(self, order: Order, sockets: Sequence[socket.socket] = ()) -> None:
        """Have an order carried out. Raises WorkerGoneError."""
        await self._ask(order, sockets)

    @overload
    async def ask(self, request: Describe) -> WorkerDescription: ...
    @overload
    async def ask(self, request: CountBound) -> BoundFlows: ...
    @overload
    async def ask(self, request: FindClient) -> ClientFlows: ...
    @overload
    async def ask(self, request: TakeSnapshot) -> Snapshot: ...
    async def ask(self, request: Question) -> Reply:
        """Raises WorkerGoneError."""
        return await self._ask(request, ())

    def lost(self) -> None:
        """The worker ended: whoever waits for it need not any more."""
        if self.is_lost:
            return
        self.is_lost = True
        self._loop.remove_reader(self._connection.fileno())
        waiting: list[asyncio.Future[Any]] = [self._loaded, *self._waiting]
        for each in waiting:
            if not each.done():
                each.set_exception(WorkerGoneError())
        # Nobody needs to be waiting, and an exception that is not fetched is logged.
        self._loaded.exception()

    async def _ask(self, request: Request, sockets: Sequence[socket.socket]) -> Reply:
        # Who gives up while a thread is sending must not let the next request in between.
        reply = await asyncio.shield(self._sent(request, sockets))
        await asyncio.wait([reply])
        return reply.result()

    async def _sent(
        self, request: Request, sockets: Sequence[socket.socket]
    ) -> asyncio.Future[Reply]:
        """Send a request; its reply to come."""
        async with self._sending:
            if self.is_lost:
                raise WorkerGoneError
            reply: asyncio.Future[Reply] = self._loop.create_future()
            self._waiting.append(reply)
            try:
                # Not on the loop: a table is more than the kernel's buffer holds.
                await asyncio.to_thread(self._send, request, sockets)
            except OSError:
                self.lost()
        return reply

    def _send(self, request: Request, sockets: Sequence[socket.socket]) -> None:
        self._connection.send(request)
        for each in sockets:
            send_handle(self._connection, each.fileno(), None)

    def _receive(self) -> None:
        try:
            message = self._connection.recv()
        except (EOFError, OSError):
            self.lost()
            return
        if isinstance(message, Loaded):
            self._loaded.set_result(message)
            return
        reply = self._waiting.popleft()
        if not reply.done():
            reply.set_result(message)


def receive_sockets(connection: Connection, count: int) -> tuple[socket.socket, ...]:
    """The sockets that follow a request; the worker's end of `WorkerLink.order`."""
    return tuple(socket.socket(fileno=recv_handle(connection)) for _ in range(count))
