"""The transceiver's parent process: opens the sockets and keeps the workers running.

No call passes through it.
"""

import asyncio
import contextlib
import logging
import multiprocessing
import secrets
import signal
from functools import partial
from multiprocessing.connection import Connection

from antiphon_proto.cluster_keys import ClusterKeys
from chassis.bound_socket import bound_address
from chassis.readiness import report_ready
from chassis.reloaded_file import POLL_S, ReloadedFile
from chassis.worker_processes import WorkerProcesses
from transceiver.config import TransceiverConfig
from transceiver.signaling.api_keys import ApiKeys
from transceiver.sockets import TransceiverSockets, open_sockets
from transceiver.worker import run_worker
from transceiver.worker_lives import INCARNATIONS, WorkerLives

logger = logging.getLogger(__name__)


async def supervise(config: TransceiverConfig, keys: ClusterKeys, api_keys: ApiKeys) -> None:
    """Serve calls until SIGTERM or SIGINT; SIGHUP has the key file looked at at once.

    Raises SettingError when an address cannot be used.
    """
    loop = asyncio.get_running_loop()
    stop, asked = asyncio.Event(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, asked.set)
    sockets = open_sockets(config)
    started, reports = multiprocessing.Pipe(duplex=False)
    lives = WorkerLives(keys, secrets.randbelow(INCARNATIONS))
    workers = WorkerProcesses(
        config.workers, partial(run_worker, config, api_keys, sockets, reports), lives
    )
    key_file = ReloadedFile(config.cluster_keys, config.parse_keys, keys)
    try:
        workers.start()
        tasks = [
            asyncio.create_task(_announce(config, sockets, started)),
            asyncio.create_task(_rotate_keys(key_file, lives, asked)),
        ]
        await stop.wait()
        for task in tasks:
            task.cancel()
    finally:
        await workers.stop()
        lives.close()
        sockets.close()


async def _rotate_keys(
    key_file: ReloadedFile[ClusterKeys], lives: WorkerLives, asked: asyncio.Event
) -> None:
    """Tell the workers when the key file changes, for ever."""
    while True:
        if (keys := key_file.changed()) is not None:
            lives.use_keys(keys)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asked.wait(), POLL_S)
        asked.clear()


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
