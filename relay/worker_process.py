"""A worker process's main: loads everything, then does what the supervisor says.

It is started with its tunnel socket; its public sockets come over the link when
they are to be served.
"""

import os
import secrets
import signal
import socket
import time
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from antiphon_proto.address import Address
from antiphon_proto.cluster_keys import ClusterKeys
from chassis.logs import configure_logging
from relay.config import RelayConfig
from relay.counters import CounterTable, Tally, Thread
from relay.description import WorkerDescription
from relay.failure_limiter import FailureLimiter
from relay.flow_table import FlowTable
from relay.flows import Flows
from relay.port_leases import PortLeases
from relay.remote_clusters import RemoteClusters
from relay.router import Router
from relay.sockets import discard_waiting, leave_group
from relay.worker import Worker
from relay.worker_link import (
    BoundFlows,
    ClientFlows,
    CountBound,
    Describe,
    Done,
    Drain,
    FindClient,
    FinishReadOut,
    Forward,
    Loaded,
    NameClusters,
    ReadOut,
    ReloadKeys,
    Reply,
    Request,
    Restore,
    Snapshot,
    StopReading,
    TakeSnapshot,
    WarmUp,
    receive_sockets,
)

if TYPE_CHECKING:
    from relay.fast.path import FastPath


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What every worker of a relay is started with. Pickles, to a process being started only."""

    config: RelayConfig
    counters: CounterTable
    tunnels: tuple[Address, ...]
    """Of all workers, in their order, as owners see them."""
    families: frozenset[int]
    """4, 6 or both: of the public sockets."""
    phone_ports: tuple[tuple[int, ...], ...]
    """Of each worker."""
    cpus: tuple[int | None, ...]
    """The CPU that each worker keeps to; None where the kernel chooses."""
    fallback: str | None
    """Why the fast path shall not be used; None when it shall."""


def run_worker(
    settings: WorkerSettings,
    index: int,
    keys: ClusterKeys,
    tunnel: socket.socket,
    link: Connection,
) -> None:
    """The main function of worker process `index`; ends only with the process."""
    config = settings.config
    configure_logging("relay", config.log_level, config.log_format, worker=index)
    # It may reach the whole process group; the supervisor drains, or kills.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    WorkerProcess(settings, index, keys, tunnel, link).serve()


class WorkerProcess:
    """One worker: its table, its router, and what it serves at present."""

    def __init__(
        self,
        settings: WorkerSettings,
        index: int,
        keys: ClusterKeys,
        tunnel: socket.socket,
        link: Connection,
    ) -> None:
        self._settings = settings
        self._index = index
        self._keys = keys
        self._tunnel = tunnel
        self._link = link
        self._epoch = int.from_bytes(os.urandom(8), "big")
        self._counters = settings.counters.worker(index, Thread.CONTROL)
        self._publics: tuple[socket.socket, ...] = ()
        self._phones: tuple[socket.socket, ...] = ()
        self._orphans: list[socket.socket] = []
        """Public sockets of a dead worker."""
        self._worker: Worker | None = None
        self._fast: FastPath | None = None
        self._flows = self._new_flows()
        self._leases = PortLeases(settings.phone_ports[index])
        self._remote = _remote_clusters(settings, index)
        self._router = Router(
            keys,
            cluster_id=settings.config.cluster_id,
            owners=settings.config.owners,
            flows=self._flows,
            limiter=FailureLimiter(),
            families=settings.families,
            tunnel=settings.tunnels[index],
            siblings=tuple(each for each in settings.tunnels if each != settings.tunnels[index]),
            epoch=self._epoch,
            leases=self._leases,
            phone_host=settings.config.phone_host,
            check_verified=self._counters.check_verified,
            remote=self._remote,
            remote_relays=settings.config.remote_relays,
        )

    def serve(self) -> None:
        """Say that everything is loaded; forward, and carry out requests, until the end."""
        self._link.send(Loaded())
        while True:
            if self._worker is None:
                self._obey()
                continue
            self._worker.run({self._link.fileno(): self._obey})
            if self._worker is None:
                self._give_up_sockets()

    def _new_flows(self) -> Flows:
        """The flow table; with the fast path, loads all of it where it is not preloaded."""
        if self._settings.fallback is not None:
            return FlowTable(max_flows=self._settings.config.max_flows)
        # Imported here: a relay runs without numpy and LLVM, which take memory.
        from relay.fast.flow_table import FastFlowTable
        from relay.fast.path import precompile

        precompile()
        return FastFlowTable(max_flows=self._settings.config.max_flows)

    def _obey(self) -> None:
        try:
            request = self._link.recv()
        except EOFError:
            raise SystemExit(1) from None  # The supervisor ended.
        reply = self._carry_out(request)
        if reply is not None:
            self._link.send(reply)

    def _carry_out(self, request: Request) -> Reply | None:
        """The reply, or None where it is not due yet."""
        match request:
            case WarmUp():
                if request.stale:
                    discard_waiting(self._tunnel)
                self._serve_with(request, tunnel_only=True)
            case Forward():
                self._serve_with(request, tunnel_only=False)
            case ReadOut():
                orphans = receive_sockets(self._link, request.publics)
                for orphan in orphans:
                    leave_group(orphan)
                self._orphans += orphans
                self._read_out()
            case FinishReadOut():
                self._read_out()
                while self._orphans:
                    self._orphans.pop().close()
            case Restore():
                self._flows.restore(request.remembered.table, time.monotonic())
                self._leases.restore(request.remembered.leases, time.monotonic())
            case Drain():
                self._router.draining = True
                self._count_bound()
            case ReloadKeys():
                self._reload(request.keys)
            case NameClusters():
                if self._remote is not None:
                    self._remote.name(request.found, time.monotonic())
            case StopReading():
                return self._stop_reading()
            case Describe():
                return self._describe()
            case CountBound():
                return BoundFlows(self._flows.bound)
            case FindClient():
                return self._find(request)
            case TakeSnapshot():
                now = time.monotonic()
                return Snapshot(self._flows.snapshot(now), self._leases.snapshot(now))
        return Done()

    def _serve_with(self, order: WarmUp | Forward, *, tunnel_only: bool) -> None:
        """Have `serve` go on with the sockets that follow, and give up those before."""
        before = (*self._publics, *self._phones)
        self._publics = receive_sockets(self._link, order.publics)
        self._phones = receive_sockets(self._link, order.phones)
        if self._worker is not None:
            self._stop_worker(self._worker)
        for each in before:
            each.close()
        cpu = self._settings.cpus[self._index]
        if self._settings.fallback is not None:
            if cpu is not None:
                os.sched_setaffinity(0, {cpu})
        elif not tunnel_only:
            self._fast = self._new_fast_path(cpu)
        self._counters.gauge(Tally.FAST_PATH, int(self._fast is not None))
        self._count_bound()
        self._worker = Worker(
            self._publics,
            self._tunnel,
            self._router,
            self._flows,
            self._counters,
            self._fast,
            phones={each.getsockname()[1]: each for each in self._phones},
            leases=self._leases,
            remote=self._remote,
            tunnel_only=tunnel_only,
        )
        if self._fast is not None:
            self._fast.start()

    def _count_bound(self) -> None:
        """The supervisor, to end a drain, must not look at what was counted a second ago."""
        self._counters.gauge(Tally.BOUND_FLOWS, self._flows.bound)
        self._counters.gauge(Tally.LEASED_PORTS, self._leases.held)

    def _new_fast_path(self, cpu: int | None) -> "FastPath":
        from relay.fast.flow_table import FastFlowTable
        from relay.fast.path import FastPath

        assert isinstance(self._flows, FastFlowTable)
        return FastPath(
            self._publics,
            self._tunnel,
            self._flows,
            row=self._settings.counters.worker(self._index, Thread.FAST),
            moderation_us=self._settings.config.moderation_us,
            cpu=cpu,
        )

    def _stop_worker(self, worker: Worker) -> None:
        if self._fast is not None:
            self._fast.stop()
        worker.stop()

    def _stop_reading(self) -> Reply | None:
        worker, self._worker = self._worker, None
        if worker is None:
            return Done()
        self._stop_worker(worker)
        return None

    def _give_up_sockets(self) -> None:
        """The end of StopReading: all that was received has been sent on."""
        for each in (*self._publics, *self._phones, self._tunnel):
            each.close()
        if self._fast is not None:
            self._fast.close()
        self._link.send(Done())

    def _read_out(self) -> None:
        for orphan in self._orphans:
            if self._worker is not None:
                self._worker.read_out(orphan)

    def _reload(self, keys: ClusterKeys) -> None:
        self._keys = keys
        if self._worker is None:
            self._router.reload(keys)
        else:
            self._worker.reload(keys)

    def _describe(self) -> WorkerDescription:
        return WorkerDescription(
            tunnel=self._settings.tunnels[self._index],
            epoch=self._epoch,
            fast_path=self._fast is not None,
            fallback=self._settings.fallback,
            bound=self._flows.bound,
            provisional=self._flows.provisional,
            ssrcs=self._flows.ssrcs,
            phone_ports=self._leases.ports,
            leased_ports=self._leases.held,
            table_bytes=getattr(self._flows, "table_bytes", 0),
            draining=self._router.draining,
            config_ids=tuple(config.id for config in self._keys.configs),
            owners=tuple(self._flows.owners(time.monotonic())),
            clusters=() if self._remote is None else tuple(self._remote.counts()),
        )

    def _find(self, wanted: FindClient) -> ClientFlows:
        flows = self._flows.flows_of(wanted.host, time.monotonic())
        return ClientFlows(tuple(flow for flow in flows if wanted.port in (None, flow.client[1])))


def _remote_clusters(settings: WorkerSettings, index: int) -> RemoteClusters | None:
    """None without `--clusters`."""
    config, names = settings.config, settings.tunnels
    if not config.clusters:
        return None
    if config.tunnel_name is not None:
        host, port = config.tunnel_name
        names = tuple((host, port + number) for number in range(len(settings.tunnels)))
    return RemoteClusters(
        config.cluster_id,
        names[index],
        partial(secrets.randbits, 64),
        clusters=frozenset(place.cluster for place in config.clusters),
        siblings=tuple(each for each in names if each != names[index]),
    )
