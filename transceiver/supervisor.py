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
from transceiver.regions.zones_watch import ZonesWatch
from transceiver.signaling.api_keys import ApiKeys
from transceiver.sip.access_files import AccessFiles
from transceiver.sockets import TransceiverSockets, open_sockets
from transceiver.tls import TlsWatch
from transceiver.worker import run_worker
from transceiver.worker_lives import INCARNATIONS, WorkerLives

logger = logging.getLogger(__name__)

CLOSING_S = 1.0
"""What workers get beyond the time to drain, to close the calls that are left."""


async def supervise(
    config: TransceiverConfig,
    keys: ClusterKeys,
    api_keys: ApiKeys,
    sip_access: AccessFiles,
    zones: ZonesWatch,
) -> None:
    """Serve calls until SIGINT, or SIGTERM and a drain.

    SIGHUP has the files of keys and certificates looked at at once. Raises SettingError
    when an address cannot be used.
    """
    with contextlib.closing(open_sockets(config)) as sockets:
        await Supervisor(config, keys, api_keys, sip_access, zones, sockets).run()


class Supervisor:
    """One life of a transceiver."""

    def __init__(
        self,
        config: TransceiverConfig,
        keys: ClusterKeys,
        api_keys: ApiKeys,
        sip_access: AccessFiles,
        zones: ZonesWatch,
        sockets: TransceiverSockets,
    ) -> None:
        self._config = config
        self._sockets = sockets
        self._started, reports = multiprocessing.Pipe(duplex=False)
        self._lives = WorkerLives(
            keys, api_keys, secrets.randbelow(INCARNATIONS), sip_access.access, zones.zones
        )
        self._sip_access = sip_access
        self._zones = zones
        self._workers = WorkerProcesses(
            config.workers, partial(run_worker, config, sockets, reports), self._lives
        )
        self._key_file = ReloadedFile(config.cluster_keys, config.parse_keys, keys)
        self._api_key_file = (
            ReloadedFile(config.api_keys, config.parse_api_keys, api_keys)
            if config.api_keys
            else None
        )
        self._tls = TlsWatch(config.tls) if config.tls else None
        self._is_up = False
        self._drain_asked = asyncio.Event()
        self._end_asked = asyncio.Event()
        self._reload_asked = asyncio.Event()

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._terminate)
        loop.add_signal_handler(signal.SIGINT, self._end)
        loop.add_signal_handler(signal.SIGHUP, self._reload_asked.set)
        try:
            self._workers.start()
            tasks = [
                asyncio.create_task(self._announce(self._started)),
                asyncio.create_task(self._reload_files()),
            ]
            await self._drain_asked.wait()
            await self._drain()
            for task in tasks:
                task.cancel()
        finally:
            await self._workers.stop()
            self._lives.close()

    def _terminate(self) -> None:
        """SIGTERM: drain, where there may be calls; the second ends at once."""
        if not self._is_up or not self._config.drain_seconds or self._drain_asked.is_set():
            self._end_asked.set()
        self._drain_asked.set()

    def _end(self) -> None:
        self._end_asked.set()
        self._drain_asked.set()

    async def _drain(self) -> None:
        """Return when no call is left, the time is over or the end is asked for."""
        if self._end_asked.is_set():
            return
        seconds = self._config.drain_seconds
        logger.info("draining, for at most %d seconds", seconds)
        self._lives.drain(seconds)
        waiting = [
            asyncio.create_task(self._workers.ended()),
            asyncio.create_task(self._end_asked.wait()),
        ]
        await asyncio.wait(
            waiting, timeout=seconds + CLOSING_S, return_when=asyncio.FIRST_COMPLETED
        )
        for task in waiting:
            task.cancel()

    async def _reload_files(self) -> None:
        """Tell the workers when a file of keys or certificates changes, for ever."""
        while True:
            if (keys := self._key_file.changed()) is not None:
                self._lives.use_keys(keys)
            if self._api_key_file and (api_keys := self._api_key_file.changed()) is not None:
                self._lives.accept_keys(api_keys)
            if (sip_access := self._sip_access.changed()) is not None:
                self._lives.give_access(sip_access)
            if (zones := self._zones.changed()) is not None:
                self._lives.use_zones(zones)
            if self._tls and self._tls.changed():
                self._lives.renew_tls()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._reload_asked.wait(), POLL_S)
            self._reload_asked.clear()

    async def _announce(self, started: Connection) -> None:
        """Tell the parent once every worker has said that it takes calls."""
        ready: set[int] = set()
        readable = asyncio.Event()
        asyncio.get_running_loop().add_reader(started.fileno(), readable.set)
        while True:
            await readable.wait()
            readable.clear()
            while started.poll():
                ready.add(started.recv())
            if len(ready) == self._config.workers:
                break
        asyncio.get_running_loop().remove_reader(started.fileno())
        self._is_up = True
        sockets, http = self._sockets, str(bound_address(self._sockets.http))
        report: dict[str, str | list[str]] = {
            "http": http,
            "tunnels": [str(bound_address(each)) for each in sockets.tunnels],
            "admins": [str(bound_address(each)) for each in sockets.admins],
        }
        if sockets.sip_streams is not None:
            report["sip"] = str(bound_address(sockets.sip_streams))
        if sockets.sip_tls is not None:
            report["sip-tls"] = str(bound_address(sockets.sip_tls))
        report_ready(self._config.ready_fd, report)
        logger.info("serving %s with %d workers", http, self._config.workers)
