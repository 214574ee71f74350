"""A part of the deployment as a child process, with whatever processes it starts."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from chassis.readiness import ReadyReport, parse_ready
from loadtest.deployment.deployment import DeploymentError

START_SECONDS = 180.0
"""A busy machine takes a minute to compile the relay's fast path, where no installation did."""
STOP_SECONDS = 2.0
_LAST_LINE_BYTES = 4096
_BECOME = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 9)
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""
"""Has the kernel kill it when its parent ends (PR_SET_PDEATHSIG, SIGKILL), before it is a tier.

In a program of its own: code between fork and exec, where threads of gRPC run, may wait for ever.
"""


class ChildProcess:
    """A session of its own, whose number all of its processes share.

    The kernel kills it when this process ends however that ends; its own children, where they
    are worth it, ask the same for themselves.
    """

    def __init__(
        self, arguments: Sequence[str], log: Path, environ: Mapping[str, str] | None = None
    ) -> None:
        """Start `python -m ARGUMENTS --ready-fd=N`, on the main thread. It logs to `log`."""
        self.name = arguments[0]
        self.log = log
        self._ready_fd, writing = os.pipe()
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - no shell, our own interpreter
                [
                    *(sys.executable, "-I", "-S", "-c", _BECOME, str(os.getpid())),
                    # -P: a directory named like a tier where it was typed is not the tier.
                    *("-P", "-m", *arguments, f"--ready-fd={writing}"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[writing],
                env=environ,
                start_new_session=True,
            )
        os.close(writing)
        self.pid = self._process.pid
        self._exited: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._pidfd = os.pidfd_open(self.pid)
        asyncio.get_running_loop().add_reader(self._pidfd, self._reap)

    async def ready(self) -> ReadyReport:
        """Wait for what it reports, once. Raises DeploymentError with its last line."""
        try:
            async with asyncio.timeout(START_SECONDS):
                text = await asyncio.to_thread(_read_report, self._ready_fd)
        except TimeoutError:
            raise DeploymentError(f"{self.name} was not ready in {START_SECONDS:g} s") from None
        try:
            return parse_ready(text)
        except ValueError:
            raise DeploymentError(f"{self.name} ended: {_last_line(self.log)}") from None

    @property
    def has_exited(self) -> bool:
        return self._exited.done()

    async def exited(self) -> int:
        """Wait for its end; the exit code, or the signal's number below zero."""
        return await asyncio.shield(self._exited)

    def signal(self, number: signal.Signals) -> None:
        """To the process alone; nothing where it has ended."""
        if not self.has_exited:
            self._process.send_signal(number)

    async def stop(self, patience_s: float = STOP_SECONDS) -> None:
        """Ask it to end; after a while, kill it and all that it started."""
        self.signal(signal.SIGTERM)
        self.signal(signal.SIGCONT)
        await asyncio.wait([self._exited], timeout=patience_s)
        await self.kill()

    async def kill(self) -> None:
        """All of it, at once."""
        if not self.has_exited:
            self._kill_group()
        await asyncio.wait([self._exited])

    def _reap(self) -> None:
        asyncio.get_running_loop().remove_reader(self._pidfd)
        os.close(self._pidfd)
        # Before the wait: until then the group's number cannot be anybody else's.
        self._kill_group()
        self._exited.set_result(self._process.wait())

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)


def _read_report(fd: int) -> str:
    with os.fdopen(fd) as pipe:
        return pipe.read()


def _last_line(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _LAST_LINE_BYTES))
        lines = file.read().decode(errors="replace").splitlines()
    return lines[-1] if lines else "it said nothing"
