"""The trunks to all inference replicas, kept open and polled as one."""

import asyncio
import logging
import socket
import time
from collections.abc import Awaitable, Callable, Collection, Iterable

from chassis.host_port import HostPort
from transceiver.counters import TrunkCounters
from transceiver.engine_leg import EngineListener
from transceiver.inference_client import EngineSession, InferenceClient
from transceiver.replica_addresses import ReplicaAddresses
from transceiver.replica_directory import ReplicaDirectory, ReplicaReport

logger = logging.getLogger(__name__)

RESOLVE_S = 2.0
"""Between two looks at the DNS, which say how soon a new replica gets sessions."""

Resolve = Callable[[HostPort], Awaitable[Iterable[HostPort]]]


async def resolved(name: HostPort) -> list[HostPort]:
    """The addresses of `name`, asked for in a thread.

    Raises OSError, and UnicodeError for what cannot be a name.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(name.host, name.port, type=socket.SOCK_STREAM)
    return [HostPort(str(address[0]), name.port) for *_, address in found]


class ReplicaPool:
    """Places sessions on replicas, and adds and drops these as their addresses come and go."""

    def __init__(
        self,
        addresses: ReplicaAddresses,
        counters: TrunkCounters,
        *,
        clock: Callable[[], float] = time.monotonic,
        random: Callable[[], float],
        resolve: Resolve = resolved,
    ) -> None:
        """`clock` is monotonic; `random` gives numbers from 0 up to, and without, 1."""
        self.directory = ReplicaDirectory(random)
        self._addresses = addresses
        self._counters = counters
        self._clock = clock
        self._resolve = resolve
        self._clients: tuple[InferenceClient, ...] = ()
        self._running: dict[HostPort, asyncio.Task[None]] = {}
        self._found: dict[HostPort, frozenset[HostPort]] = {}
        self._listening = True
        self._usable = asyncio.Event()

    @property
    def connected(self) -> bool:
        """Whether there is a replica to place sessions on."""
        return self.directory.usable

    async def wait_connected(self) -> None:
        """Return once there was a replica to place sessions on."""
        await self._usable.wait()

    def open(
        self, listener: EngineListener, but: Collection[HostPort] = ()
    ) -> EngineSession | None:
        """A new session, on none of the replicas `but`; its first command must be Open.

        None where no replica is there to take it.
        """
        address = self.directory.place(self._clock(), but)
        client = next((each for each in self._clients if each.target == address), None)
        return None if client is None else client.open(listener)

    def succeeded(self, address: HostPort) -> None:
        """The replica at `address` has opened a session that was placed there."""
        self.directory.succeeded(address)

    def failed(self, address: HostPort) -> None:
        """It did not, or gave one up."""
        self.directory.failed(address, self._clock())

    def draining(self, address: HostPort) -> bool:
        """Whether the replica at `address` wants all its sessions gone."""
        return self.directory.draining(address)

    # ---- the trunks as one ---------------------------------------------------

    def note_arrival(self, arrived_at: float) -> None:
        """The audio queued since the last time came to this worker at this Unix time."""
        for client in self._clients:
            client.note_arrival(arrived_at)

    def flush(self) -> None:
        """Send what waits for each replica as one message."""
        for client in self._clients:
            client.flush()

    def listen(self, listening: bool) -> None:
        """Whether to read the trunks as soon as there is something, or when asked to `poll`."""
        self._listening = listening
        for client in self._clients:
            client.listen(listening)

    def poll(self) -> None:
        """Read what came on the trunks."""
        for client in self._clients:
            client.poll()

    # ---- which replicas there are --------------------------------------------

    async def run(self) -> None:
        """Hold the trunks until cancelled. Raises ExceptionGroup for a defect met in writing."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._follow(await self._wanted(), tasks)
                await asyncio.sleep(RESOLVE_S)

    async def _wanted(self) -> frozenset[HostPort]:
        """Every address of a replica; those last known of a name that cannot be resolved."""
        for name in self._addresses.names:
            try:
                found = frozenset(await self._resolve(name))
            except (OSError, UnicodeError) as error:
                logger.debug("%s cannot be resolved: %s", name, error)
            else:
                # An empty answer is an outage of the DNS sooner than of every replica.
                self._found[name] = found or self._found.get(name, frozenset())
        return frozenset(self._addresses.listed).union(*self._found.values())

    def _follow(self, wanted: frozenset[HostPort], tasks: asyncio.TaskGroup) -> None:
        for address in sorted(wanted):
            if address not in self._running:
                self._add(address, tasks)
            self.directory.add(address)
        for client in self._clients:
            if client.target not in wanted:
                self._retire(client)

    def _add(self, address: HostPort, tasks: asyncio.TaskGroup) -> None:
        client = InferenceClient(
            address,
            self._counters,
            on_connected=self._trunk_opened,
            on_lost=self._trunk_lost,
            on_report=self._reported,
        )
        client.listen(self._listening)
        self._clients = (*self._clients, client)
        self._running[address] = tasks.create_task(client.run())

    def _retire(self, client: InferenceClient) -> None:
        """Drop a replica whose address is gone once it has no sessions: until then it drains."""
        self.directory.retire(client.target)
        if client.sessions:
            return
        self._clients = tuple(each for each in self._clients if each is not client)
        self._running.pop(client.target).cancel()
        self.directory.forget(client.target)

    # ---- what the trunks tell ------------------------------------------------

    def _trunk_opened(self, address: HostPort) -> None:
        self.directory.connected(address)
        self._usable.set()

    def _trunk_lost(self, address: HostPort) -> None:
        self.directory.disconnected(address, self._clock())

    def _reported(self, address: HostPort, report: ReplicaReport) -> None:
        self.directory.reported(address, report)
