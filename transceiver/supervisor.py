"""The transceiver's parent process: opens the sockets and keeps the workers running.

No call passes through it.
"""

import asyncio
import logging
import multiprocessing
import signal
from functools import partial
from multiprocessing.connection import Connection

from antiphon_proto.cluster_keys import ClusterKeys
from chassis.bound_socket import bound_address
from chassis.readiness import report_ready
from chassis.worker_processes import WorkerProcesses
from transceiver.config import TransceiverConfig
from transceiver.signaling.api_keys import ApiKeys
from transceiver.sockets import TransceiverSockets, open_sockets
from transceiver.worker import run_worker

logger = logging.getLogger(__name__)


async def supervise(config: TransceiverConfig, keys: ClusterKeys, api_keys: ApiKeys) -> None:
    """Serve calls until SIGTERM or SIGINT. Raises SettingError when an address cannot be used."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    sockets = open_sockets(config)
    started, reports = multiprocessing.Pipe(duplex=False)
    workers = WorkerProcesses(
        config.workers, partial(run_worker, config, keys, api_keys, sockets, reports)
    )
    try:
        workers.start()
        announcing = asyncio.create_task(_announce(config, sockets, started))
        await stop.wait()
        announcing.cancel()
    finally:
        await workers.stop()
        sockets.close()


async def _announce(
    config: TransceiverConfig, sockets: TransceiverSockets, started: Connection
) -> None:
    """Tell the parent once every worker has said that it takes calls."""
    ready: set[int] = set()
    readable = asyncio.Event()
    asyncio.get_running_loop().add_reader(started.fileno(), readable.set)
    while True:
        await readable.wait()
        readable.clear()
        while started.poll():
            ready.add(started.recv())
        if len(ready) == config.workers:
            break
    asyncio.get_running_loop().remove_reader(started.fileno())
    http = str(bound_address(sockets.http))
    report_ready(
        config.ready_fd,
        {
            "http": http,
            "tunnels": [str(bound_address(each)) for each in sockets.tunnels],
            "admins": [str(bound_address(each)) for each in sockets.admins],
        },
    )
    logger.info("serving %s with %d workers", http, config.workers)
