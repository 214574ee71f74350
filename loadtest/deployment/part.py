"""One process of a tier, kept running, and what can be done to it."""

import asyncio
import contextlib
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil

from chassis.readiness import ReadyReport
from loadtest.deployment.child_process import ChildProcess
from loadtest.deployment.deployment import DeploymentError
from loadtest.deployment.tier_command import DRAIN_SECONDS, TierCommand
from loadtest.deployment.workers import workers_of

logger = logging.getLogger(__name__)

_DRAIN_PATIENCE_S = 2 * DRAIN_SECONDS


class Part:
    """Started again, on the same addresses, whenever it ends by itself."""

    def __init__(self, command: TierCommand, directory: Path, environ: Mapping[str, str]) -> None:
        self.command = command
        self._log = directory / f"{command.tier}.log"
        self._environ = environ
        self._changing = asyncio.Lock()
        self._child: ChildProcess | None = None
        self._keeping: asyncio.Task[None] | None = None
        self.report: ReadyReport = {}

    @property
    def sessions(self) -> list[int]:
        """The numbers of the sessions (setsid) that its processes are in."""
        return [self._child.pid] if self._child else []

    async def start(self) -> ReadyReport:
        """What it reports once it is ready. Raises DeploymentError."""
        async with self._changing:
            await self._begin()
        self._keeping = asyncio.create_task(self._keep())
        return self.report

    async def stop(self) -> None:
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait([self._keeping])
        if self._child is not None:
            await self._child.stop()

    async def kill_worker(self) -> str:
        """SIGKILL to a worker of it; to all of it where it has none."""
        child = self._running()
        for process in workers_of(child.pid):
            with contextlib.suppress(psutil.Error):
                process.kill()
                return "killed a worker"
        await self.restart()
        return "killed, and started again"

    async def restart(self) -> None:
        """SIGKILL to all of it; returns when it is ready again."""
        async with self._changing:
            await self._running().kill()
            await self._begin()

    async def hand_over(self) -> None:
        """A new process takes over from it; returns when it alone is left."""
        async with self._changing:
            old = self._running()
            try:
                await self._begin()
            except DeploymentError:
                self._child = old
                raise
            await old.stop(_DRAIN_PATIENCE_S)

    async def drain(self) -> None:
        """It may end what it has, and is then started again; returns when that is ready."""
        async with self._changing:
            await self._running().stop(_DRAIN_PATIENCE_S)
            await self._begin()

    async def pause(self, seconds: float) -> None:
        """Stop all of its processes for so long."""
        child = self._running()
        processes = [psutil.Process(child.pid), *psutil.Process(child.pid).children(recursive=True)]
        try:
            for process in _alive(processes):
                process.suspend()
            await asyncio.sleep(seconds)
        finally:
            for process in _alive(processes):
                process.resume()

    def _running(self) -> ChildProcess:
        if self._child is None or self._child.has_exited:
            raise DeploymentError(f"{self.command.tier} is not running")
        return self._child

    async def _begin(self) -> None:
        self._child = ChildProcess(self.command.arguments(), self._log, self._environ)
        try:
            self.report = await self._child.ready()
        except BaseException:
            await self._child.kill()
            raise

    async def _keep(self) -> None:
        while self._child is not None:
            child = self._child
            await child.exited()
            async with self._changing:
                if child is not self._child:
                    continue
                logger.warning("%s ended by itself; starting it again", self.command.tier)
                try:
                    await self._begin()
                except DeploymentError as error:
                    logger.warning("%s", error)
                    return


def _alive(processes: list[psutil.Process]) -> Iterator[psutil.Process]:
    """Those that can still be told something."""
    for process in processes:
        if process.is_running():
            with contextlib.suppress(psutil.Error):
                yield process
