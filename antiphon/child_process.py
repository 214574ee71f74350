"""One tier as a child process."""

import asyncio
import contextlib
import functools
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence

from antiphon.tier_output import TierOutput
from chassis.death_signal import die_with_parent
from chassis.readiness import ReadyReport, parse_ready

START_TIMEOUT_S = 180.0
"""A busy machine takes a minute to compile the relay's fast path, where no installation did."""

STOP_GRACE_S = 1.5
_LAST_WORDS_S = 0.2


class StartError(Exception):
    """A tier ended, or stayed silent, before it reported that it is ready."""


class ChildProcess:
    """A process of its own group, so that a terminal's Ctrl-C reaches only its parent.

    The kernel kills it when this process ends however it ends. Whatever of its
    group outlives it is killed with it.
    """

    def __init__(self, arguments: Sequence[str], environ: Mapping[str, str], output: TierOutput):
        """Start `python -m ARGUMENTS` with `--ready-fd`, from within a running event loop."""
        self.tier = arguments[0]
        self._output = output
        self._loop = asyncio.get_running_loop()
        self._ready_fd, ready_write = os.pipe()
        self._process = subprocess.Popen(  # noqa: S603 - no shell, our own interpreter
            # -P: a directory named like a tier where the command was typed is not the tier.
            [sys.executable, "-P", "-m", *arguments, f"--ready-fd={ready_write}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[ready_write],
            env=environ,
            start_new_session=True,
            preexec_fn=functools.partial(die_with_parent, os.getpid()),
        )
        os.close(ready_write)
        self.pid = self._process.pid
        self._exited: asyncio.Future[int] = self._loop.create_future()
        self._pidfd = os.pidfd_open(self.pid)
        self._loop.add_reader(self._pidfd, self._reap)
        self._copying = self._loop.create_task(self._copy_output())

    async def ready(self, timeout_s: float = START_TIMEOUT_S) -> ReadyReport:
        """Wait for the ready report. Raises StartError with one clear line."""
        try:
            async with asyncio.timeout(timeout_s):
                report = await self._read_report()
        except TimeoutError:
            self._output.release()
            raise StartError(f"{self.tier} was not ready after {timeout_s:g} s") from None
        if report is None:
            raise StartError(await self._last_words())
        self._output.release()
        return report

    async def wait(self) -> int:
        """Wait for its end. Returns the exit code, or the signal's number below zero."""
        await asyncio.wait([self._exited])
        return self._exited.result()

    async def stop(self, grace_s: float = STOP_GRACE_S) -> None:
        """Ask it to end, and kill it and its whole group after the grace."""
        if not self._exited.done():
            self._process.send_signal(signal.SIGTERM)
            await asyncio.wait([self._exited], timeout=grace_s)
            self._kill_group()
        await self.wait()
        # Whoever left the process group may hold the pipe open.
        await asyncio.wait([self._copying], timeout=_LAST_WORDS_S)
        self._copying.cancel()

    async def _read_report(self) -> ReadyReport | None:
        """None when the pipe ends without a report.

        A whole report ends the wait, not the pipe's end: a worker process of the
        tier may have inherited the pipe.
        """
        text = b""
        async with _reader(self._ready_fd) as reader:
            while chunk := await reader.read(4096):
                text += chunk
                with contextlib.suppress(ValueError):
                    return parse_ready(text.decode())
        return None

    async def _last_words(self) -> str:
        await asyncio.wait([self._exited], timeout=_LAST_WORDS_S)
        await asyncio.wait([self._copying], timeout=_LAST_WORDS_S)
        code = self._exited.result() if self._exited.done() else None
        line = self._output.last_line()
        if code == 2 and line:  # the tier knows what is wrong, and said so
            return line
        self._output.release()
        how = "closed its ready pipe" if code is None else ended_how(code)
        return f"{self.tier} {how} before it was ready"

    async def _copy_output(self) -> None:
        stdout = self._process.stdout
        if stdout is None:
            return
        async with _reader(os.dup(stdout.fileno())) as reader:
            stdout.close()
            while chunk := await reader.read(65536):
                self._output.feed(chunk)
            self._output.flush()

    def _reap(self) -> None:
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        # Before the wait: until then, the group's number cannot belong to anybody else.
        self._kill_group()
        self._exited.set_result(self._process.wait())

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)


def ended_how(code: int) -> str:
    """An exit code in words: `ended with exit code 1`, `was killed by SIGKILL`."""
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


@contextlib.asynccontextmanager
async def _reader(fd: int) -> AsyncIterator[asyncio.StreamReader]:
    """Read from a pipe, which is closed at the end."""
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(fd, "rb", 0)
    )
    try:
        yield reader
    finally:
        transport.close()
