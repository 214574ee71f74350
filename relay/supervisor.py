"""The relay's parent process: opens the sockets, keeps the workers running, answers the operator.

No packet passes through it.
"""

import asyncio
import logging
import signal
from functools import partial

from prometheus_client import CollectorRegistry

from antiphon_proto.cluster_keys import ClusterKeys
from chassis.admin import serve_admin
from chassis.bound_socket import bound_address
from chassis.readiness import report_ready
from chassis.settings import SettingError
from chassis.worker_processes import WorkerProcesses
from relay.config import RelayConfig
from relay.counters import CounterTable
from relay.metrics import RelayCollector
from relay.sockets import RelaySockets, open_sockets
from relay.worker import run_worker

logger = logging.getLogger(__name__)


async def supervise(config: RelayConfig, keys: ClusterKeys) -> None:
    """Relay until SIGTERM or SIGINT.

    Raises SettingError when an address cannot be used.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    sockets = open_sockets(config.public, config.tunnel, config.workers)
    try:
        await _relay(config, keys, sockets, stop)
    finally:
        sockets.close()


async def _relay(
    config: RelayConfig, keys: ClusterKeys, sockets: RelaySockets, stop: asyncio.Event
) -> None:
    counters = CounterTable(config.workers)
    workers = WorkerProcesses(config.workers, partial(run_worker, config, keys, sockets, counters))
    registry = CollectorRegistry()
    registry.register(RelayCollector(counters, workers, sockets))
    try:
        runner, admin = await serve_admin(config.admin, registry, partial(_not_ready, workers))
    except OSError as error:
        raise SettingError(f"--admin {config.admin}: {error.strerror}") from error
    try:
        workers.start()
        # Datagrams are not lost from here on: they wait in the sockets for their workers.
        public = str(bound_address(sockets.public[0]))
        tunnels = [str(bound_address(tunnel)) for tunnel in sockets.tunnels]
        report_ready(config.ready_fd, {"public": public, "tunnels": tunnels, "admin": str(admin)})
        logger.info("relaying %s for tunnels %s", public, ", ".join(tunnels))
        await stop.wait()
    finally:
        await workers.stop()
        await runner.cleanup()


def _not_ready(workers: WorkerProcesses) -> str | None:
    if workers.alive < workers.count:
        return f"{workers.alive} of {workers.count} workers are running"
    return None
