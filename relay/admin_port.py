"""What a relay shows its operator: health, metrics, and its state for debugging."""

import socket
from collections.abc import Callable

from aiohttp import web
from prometheus_client import CollectorRegistry

from chassis.admin import ReadyCheck, serve_admin
from chassis.process_metrics import register_process_metrics
from relay.cluster_key_metrics import ClusterKeyCollector
from relay.counters import CounterTable
from relay.debug_page import DebugPage, debug_routes
from relay.metrics import RelayCollector
from relay.sockets import RelaySockets
from relay.workers import RelayWorkers


class AdminPort:
    """Of one life of a relay."""

    def __init__(
        self,
        bound: socket.socket,
        *,
        counters: CounterTable,
        workers: RelayWorkers,
        sockets: RelaySockets,
        max_flows: int,
        not_ready: ReadyCheck,
        draining: Callable[[], bool],
    ) -> None:
        """`bound` stays the caller's, who may hand it over to another relay."""
        self._bound = bound
        self._not_ready = not_ready
        self._registry = CollectorRegistry()
        register_process_metrics(self._registry, "relay")
        self._registry.register(
            RelayCollector(counters, workers, sockets, draining, max_flows=max_flows)
        )
        self._registry.register(ClusterKeyCollector(lambda: workers.keys_in_force))
        self._page = DebugPage(
            counters=counters,
            workers=workers,
            sockets=sockets,
            not_ready=not_ready,
            draining=draining,
            inside=workers,
        )
        self._runner: web.AppRunner | None = None

    async def serve(self) -> None:
        """Raises OSError."""
        # A copy: the runner closes what it serves.
        self._runner, _ = await serve_admin(
            self._bound.dup(), self._registry, self._not_ready, debug_routes(self._page)
        )

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
