"""`/debug/relay` on the admin port: what this relay sees, as JSON, for `antiphon doctor relay`.

It names clients' addresses, which metrics and logs never do: the admin port is for the
operator's network only.
"""

import ipaddress
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec
from aiohttp import web

from antiphon_proto.address import Address
from antiphon_proto.demux import PacketKind
from antiphon_proto.relay_report import (
    ClientFlow,
    ClientReport,
    Drops,
    KernelDrops,
    OwnedFlows,
    RelayReport,
    RemoteCluster,
    Traffic,
    WorkerReport,
)
from chassis.host_port import HostPort
from relay.counters import MAX_CONFIG_IDS, CounterTable, Direction, Tally
from relay.description import WorkerDescription
from relay.drop_advice import meanings, reasons
from relay.flows import FlowSnapshot
from relay.metrics import Supervised
from relay.sockets import RelaySockets


class WorkersInside(Protocol):
    """What only the workers can tell."""

    async def describe(self) -> Sequence[WorkerDescription | None]:
        """By the worker's index; None for one that is not there or does not answer."""

    async def find_client(self, host: str, port: int | None) -> Sequence[tuple[int, FlowSnapshot]]:
        """Flows of a client's address, or of its host on all ports, with the worker's index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DebugPage:
    """Puts the report together at each request."""

    counters: CounterTable
    workers: Supervised
    sockets: RelaySockets
    not_ready: Callable[[], str | None]
    draining: Callable[[], bool]
    inside: WorkersInside

    async def relay(self) -> RelayReport:
        described = await self.inside.describe()
        counters = self.counters
        return RelayReport(
            not_ready=self.not_ready(),
            draining=self.draining(),
            public=[str(each) for each in self.sockets.addresses.addresses],
            workers_wanted=self.workers.count,
            workers_alive=self.workers.alive,
            worker_restarts=self.workers.restarts,
            workers=[
                self._worker(index, worker) for index, worker in enumerate(described) if worker
            ],
            checks_verified=dict(self._checks_verified()),
            traffic=list(self._traffic()),
            tunnel_datagrams_sent=counters.tally(Tally.TUNNEL_DATAGRAMS_SENT),
            punts=counters.tally(Tally.PUNTS),
            evictions=counters.tally(Tally.EVICTIONS),
            drops=list(self._drops()),
            kernel_drops=KernelDrops(
                public=self.sockets.public_drops(),
                tunnel=self.sockets.tunnel_drops(),
                phone=self.sockets.phone_drops(),
            ),
            receive_errors=counters.tally(Tally.RECEIVE_ERRORS),
        )

    async def client(self, host: str, port: int | None) -> ClientReport:
        found = await self.inside.find_client(host, port)
        return ClientReport(flows=[_client_flow(worker, flow) for worker, flow in found])

    def _worker(self, index: int, worker: WorkerDescription) -> WorkerReport:
        moderation = self.counters.tally_of(index, Tally.MODERATION_NANOSECONDS)
        return WorkerReport(
            index=index,
            tunnel=_text(worker.tunnel),
            epoch=f"{worker.epoch:016x}",
            fast_path=worker.fast_path,
            fallback=worker.fallback,
            bound=worker.bound,
            provisional=worker.provisional,
            ssrcs=worker.ssrcs,
            phone_ports=worker.phone_ports,
            leased_ports=worker.leased_ports,
            table_bytes=worker.table_bytes,
            moderation_seconds=moderation / 1e9,
            draining=worker.draining,
            config_ids=list(worker.config_ids),
            clusters=[
                RemoteCluster(cluster=cluster, relays=known, answering=answering)
                for cluster, known, answering in worker.clusters
            ],
            owners=[OwnedFlows(owner=_text(owner), bound=bound) for owner, bound in worker.owners],
        )

    def _checks_verified(self) -> Iterator[tuple[int, int]]:
        for config_id in range(MAX_CONFIG_IDS):
            if count := self.counters.checks_verified(config_id):
                yield config_id, count

    def _traffic(self) -> Iterator[Traffic]:
        for direction in Direction:
            for kind in PacketKind:
                yield Traffic(
                    direction=direction.value,
                    kind=kind.value,
                    packets=self.counters.packets(direction, kind),
                    size=self.counters.bytes(direction, kind),
                )

    def _drops(self) -> Iterator[Drops]:
        for direction, reason, advice in reasons():
            yield Drops(
                reason=reason.value,
                direction=direction.value,
                count=self.counters.drops(reason),
                meaning=meanings()[reason],
                advice=advice.remedy,
                severity=advice.severity.value,
                refuses_checks=advice.refuses_checks,
            )


def debug_routes(page: DebugPage) -> list[web.RouteDef]:
    """`/debug/relay`, and `/debug/relay/client?host=HOST&port=PORT`, the port optional."""

    async def relay(_request: web.Request) -> web.Response:
        return _json(await page.relay())

    async def client(request: web.Request) -> web.Response:
        try:
            host, port = _client_asked_for(request)
        except ValueError as error:
            return web.Response(text=f"{error}\n", status=400)
        return _json(await page.client(host, port))

    return [web.get("/debug/relay", relay), web.get("/debug/relay/client", client)]


def _client_asked_for(request: web.Request) -> tuple[str, int | None]:
    """Raises ValueError when the host is no IP address or the port no number."""
    host = str(ipaddress.ip_address(request.query.get("host", "")))
    port = request.query.get("port")
    return host, None if port is None else HostPort.parse(f"[{host}]:{port}").port


def _json(report: RelayReport | ClientReport) -> web.Response:
    return web.Response(body=msgspec.json.encode(report), content_type="application/json")


def _client_flow(worker: int, flow: FlowSnapshot) -> ClientFlow:
    return ClientFlow(
        worker=worker,
        client=_text(flow.client),
        owner=_text(flow.owner),
        state=flow.state.value,
        seconds_left=flow.seconds_left,
    )


def _text(address: Address) -> str:
    return str(HostPort(*address))
