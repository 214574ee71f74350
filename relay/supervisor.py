"""The relay's parent process: has the sockets, keeps the workers running, answers the operator.

No packet passes through it.
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from antiphon_proto.cluster_keys import ClusterKeys
from chassis.bound_socket import bind_tcp, bound_address, resolved
from chassis.host_port import HostPort
from chassis.readiness import report_ready
from chassis.ready_file import ReadyFile
from chassis.reloaded_file import POLL_S, ReloadedFile
from chassis.settings import SettingError
from relay.cluster_lookup import follow_clusters
from relay.config import AfterHandover, RelayConfig
from relay.counters import CounterTable, Tally
from relay.drain_watch import DrainWatch
from relay.fast_path_choice import fallback
from relay.handover import Predecessor, find_predecessor
from relay.handover_channel import HandoverError
from relay.introductions import introduce
from relay.sockets import RelaySockets, adopt_sockets, open_sockets
from relay.successors import Successors
from relay.worker_process import WorkerSettings
from relay.workers import RelayWorkers

if TYPE_CHECKING:
    from relay.admin_port import AdminPort

logger = logging.getLogger(__name__)

DRAIN_LOOK_S = 0.25
READY_LOOK_S = 0.25
FORWARD_FIRST_S = 2.0
"""The longest that the operator waits for workers, who may have to compile the fast path."""


def run(config: RelayConfig, keys: ClusterKeys) -> None:
    """Relay until SIGINT, SIGTERM and a drain, or a hand-over to another relay.

    Raises SettingError when an address cannot be used, or a relay that is there
    cannot be replaced.
    """
    asyncio.run(_supervise(config, keys))


async def _supervise(config: RelayConfig, keys: ClusterKeys) -> None:
    try:
        predecessor = await _predecessor(config)
        sockets, admin = _sockets(config, predecessor)
    except HandoverError as error:
        raise SettingError(f"--handover {config.handover}: {error}") from error
    with contextlib.closing(sockets), admin:
        await Supervisor(config, keys, sockets, admin, predecessor).run()


class Supervisor:
    """One life of a relay."""

    def __init__(
        self,
        config: RelayConfig,
        keys: ClusterKeys,
        sockets: RelaySockets,
        admin: socket.socket,
        predecessor: Predecessor | None,
    ) -> None:
        self._config = config
        self._keys = ReloadedFile(config.cluster_keys, ClusterKeys.parse, keys)
        self._sockets = sockets
        self._admin = admin
        self._predecessor = predecessor
        self._counters = CounterTable(config.workers)
        settings = _worker_settings(config, sockets, self._counters)
        self._workers = RelayWorkers(settings, sockets, keys, heir=predecessor is not None)
        self._ready_file = ReadyFile(config.ready_file)
        self._admin_port: AdminPort | None = None
        self._successors = Successors(
            config.handover, self._workers, sockets, admin, self._stop_admin
        )
        self._is_up = False
        self._drain_asked = asyncio.Event()
        self._end_asked = asyncio.Event()
        self._reload_asked = asyncio.Event()

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._terminate)
        loop.add_signal_handler(signal.SIGINT, self._end_asked.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload_asked.set)
        meanwhile = [
            asyncio.create_task(
                follow_clusters(self._config.clusters, self._workers.name_clusters)
            ),
            asyncio.create_task(self._introduce()),
        ]
        try:
            if await self._unless_ended(self._come_up()):
                await self._unless_ended(self._stay_up())
        finally:
            await _cancelled(meanwhile)
            await self._workers.stop()
            await self._stop_admin()

    def _terminate(self) -> None:
        """SIGTERM: drain, where there is something to drain; the second ends at once."""
        if self._is_up and self._config.drain_seconds and not self._drain_asked.is_set():
            self._drain_asked.set()
        else:
            self._end_asked.set()

    async def _unless_ended(self, work: Coroutine[Any, Any, None]) -> bool:
        """Do the work, but for a signal that asks for the end; whether it was finished."""
        working = asyncio.create_task(work)
        ending = asyncio.create_task(self._end_asked.wait())
        await asyncio.wait([working, ending], return_when=asyncio.FIRST_COMPLETED)
        finished = working.done()
        for task in (working, ending):
            task.cancel()
        await asyncio.wait([working, ending])
        if finished:
            working.result()
        return finished

    async def _come_up(self) -> None:
        """Forward, in a predecessor's place if there is one, and say so."""
        if self._predecessor is None:
            await self._begin()
        else:
            await self._succeed(self._predecessor)
            await self._serve_admin()
        await self._successors.listen()
        self._is_up = True
        tunnels = [str(bound_address(tunnel)) for tunnel in self._sockets.tunnels]
        public, admin = str(self._sockets.addresses), str(bound_address(self._admin))
        report_ready(self._config.ready_fd, {"public": public, "tunnels": tunnels, "admin": admin})
        logger.info("relaying %s for tunnels %s", public, ", ".join(tunnels))

    async def _begin(self) -> None:
        """Forward, and then serve the operator, or sooner where workers take long to come up."""
        forwarding = asyncio.create_task(self._workers.come_up())
        try:
            await asyncio.wait([forwarding], timeout=FORWARD_FIRST_S)
            await self._serve_admin()
            await forwarding
        finally:
            forwarding.cancel()

    async def _succeed(self, predecessor: Predecessor) -> None:
        """Take over from another relay. Raises SettingError when it does not let go."""
        logger.info("taking over from the relay at %s", self._config.handover)
        try:
            await self._workers.load()
            await self._workers.inherit(await predecessor.remembered())
            await predecessor.release()
        except HandoverError as error:
            raise SettingError(f"--handover {self._config.handover}: {error}") from error
        finally:
            predecessor.close()

    async def _stay_up(self) -> None:
        """Relay until drained or replaced."""
        meanwhile = [
            asyncio.create_task(self._reload_keys()),
            asyncio.create_task(self._show_readiness()),
        ]
        lasting = [
            asyncio.create_task(self._drain_asked.wait()),
            asyncio.create_task(self._successors.serve()),
        ]
        try:
            done, _ = await asyncio.wait(lasting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            if self._drain_asked.is_set():
                await _cancelled(lasting)
                await self._drain()
            elif self._config.after_handover is AfterHandover.WAIT:
                # It shows that it is ready until it ends: its successor serves at its address.
                await _cancelled(meanwhile)
                await self._outlast()
        finally:
            # First, as another signal interrupts what is awaited here.
            self._ready_file.show(ready=False)
            await _cancelled([*meanwhile, *lasting])

    async def _introduce(self) -> None:
        workers = self._workers
        await introduce(
            self._sockets.tunnels,
            self._config.transceivers,
            keys=lambda: workers.keys_in_force,
            forwards=lambda: workers.forwarding == workers.count,
        )

    async def _outlast(self) -> None:
        """Replaced: do nothing until the end is asked for, as who ends is started again."""
        self._is_up = False
        await self._workers.stop()
        logger.info("waiting for SIGTERM")
        await self._end_asked.wait()

    async def _drain(self) -> None:
        logger.info("draining, for at most %d seconds", self._config.drain_seconds)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._config.drain_seconds
        with contextlib.suppress(TimeoutError):
            # A worker that is loading, or hangs, does not reply.
            async with asyncio.timeout_at(deadline):
                await self._workers.drain()
        watch = DrainWatch(deadline)
        reason = None
        while reason is None:
            await asyncio.sleep(DRAIN_LOOK_S)
            complete = self._workers.forwarding == self._workers.count
            reason = watch.over(
                bound=self._held() if complete else None,
                forwarded=self._counters.forwarded(),
                now=loop.time(),
            )
        logger.info("stopping: %s", reason)

    def _held(self) -> int:
        """What calls hold here."""
        tally = self._counters.tally
        return tally(Tally.BOUND_FLOWS) + tally(Tally.LEASED_PORTS)

    async def _reload_keys(self) -> None:
        """Tell the workers when the key file changes, for ever."""
        while True:
            if (keys := self._keys.changed()) is not None:
                await self._workers.reload(keys)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._reload_asked.wait(), POLL_S)
            self._reload_asked.clear()

    async def _show_readiness(self) -> None:
        """Keep the file of it up to date, until cancelled."""
        while True:
            self._ready_file.show(ready=self._not_ready() is None)
            await asyncio.sleep(READY_LOOK_S)

    async def _serve_admin(self) -> None:
        # Imported here: it takes longer than all else, and calls can do without it.
        from relay.admin_port import AdminPort

        port = AdminPort(
            self._admin,
            counters=self._counters,
            workers=self._workers,
            sockets=self._sockets,
            max_flows=self._config.max_flows,
            not_ready=self._not_ready,
            draining=self._draining,
        )
        try:
            await port.serve()
        except OSError as error:
            raise SettingError(f"--admin {self._config.admin}: {error.strerror}") from error
        self._admin_port = port

    async def _stop_admin(self) -> None:
        if self._admin_port is not None:
            await self._admin_port.stop()

    def _not_ready(self) -> str | None:
        if self._draining():
            return "draining"
        if self._workers.forwarding < self._workers.count:
            return f"{self._workers.forwarding} of {self._workers.count} workers forward"
        return None

    def _draining(self) -> bool:
        return self._drain_asked.is_set()


async def _cancelled(tasks: list["asyncio.Task[Any]"]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def _predecessor(config: RelayConfig) -> Predecessor | None:
    if config.handover is None:
        return None
    try:
        return await find_predecessor(config.handover)
    except OSError as error:
        raise HandoverError(error.strerror or str(error)) from error


def _sockets(
    config: RelayConfig, predecessor: Predecessor | None
) -> tuple[RelaySockets, socket.socket]:
    """The UDP sockets and the admin port's. Raises SettingError."""
    if predecessor is None:
        sockets = open_sockets(config.public, config.tunnel, config.workers, config.phone_ports)
    else:
        sockets = adopt_sockets(
            predecessor.publics,
            predecessor.tunnels,
            public=config.public,
            tunnel=config.tunnel,
            workers=config.workers,
            phones=predecessor.phones,
            phone_ports=config.phone_ports,
        )
        if _is_at(config.admin, predecessor.admin):
            return sockets, predecessor.admin
        predecessor.admin.close()
    try:
        return sockets, bind_tcp("--admin", config.admin)
    except SettingError:
        sockets.close()
        raise


def _is_at(wanted: HostPort, bound: socket.socket) -> bool:
    """Whether a socket is bound to this address; port 0 is any."""
    host, port = bound_address(bound)
    with contextlib.suppress(OSError):
        return resolved(wanted).host == host and wanted.port in (0, port)
    return False


def _worker_settings(
    config: RelayConfig, sockets: RelaySockets, counters: CounterTable
) -> WorkerSettings:
    """Raises SettingError for `--fast-path on` where there is none."""
    allowed = sorted(os.sched_getaffinity(0))
    return WorkerSettings(
        config=config,
        counters=counters,
        tunnels=tuple(map(bound_address, sockets.tunnels)),
        families=sockets.families,
        phone_ports=tuple(
            tuple(bound_address(each).port for each in phones) for phones in sockets.phones
        ),
        cpus=tuple(
            config.cpus.cpu_of(index, config.workers, allowed) for index in range(config.workers)
        ),
        fallback=fallback(config.fast_path),
    )
