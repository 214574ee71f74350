"""Worker processes of this machine, as children of this one."""

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from chassis.host_port import HostPort

COMMAND = (sys.executable, "-P", "-m", "loadtest", "worker")
"""-P: a directory named as one of ours where the command was typed is not ours."""

STOP_GRACE_S = 2.0


class LocalWorkers:
    """They have a group of their own: Ctrl-C is for this process, which tells them what to do.

    When this process is gone, however that came, their connections to it are, and they hang up.
    """

    def __init__(self, line: Callable[[str], None], ended_early: Callable[[str], None]) -> None:
        """`line` is told what they say; `ended_early` of one that ends with an exit code."""
        self._line = line
        self._ended_early = ended_early
        self._processes: list[asyncio.subprocess.Process] = []
        self._watching: list[asyncio.Task[None]] = []

    async def start(
        self, number: int, coordinator: HostPort, token_file: Path, command: Sequence[str]
    ) -> None:
        arguments = (
            *command,
            f"--coordinator={coordinator}",
            f"--token-file={token_file}",
            f"--index={number}",
        )
        process = await asyncio.create_subprocess_exec(
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        self._processes.append(process)
        self._watching.append(asyncio.create_task(self._watch(number, process)))

    async def stop(self) -> None:
        """Wait for their end, and kill those that take too long."""
        if self._watching:
            await asyncio.wait(self._watching, timeout=STOP_GRACE_S)
        for process in self._processes:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        if self._watching:
            await asyncio.wait(self._watching)

    async def _watch(self, number: int, process: asyncio.subprocess.Process) -> None:
        last = ""
        if process.stdout is not None:
            async for line in process.stdout:
                last = line.decode(errors="replace").rstrip()
                self._line(f"worker {number}: {last}")
        if code := await process.wait():
            self._ended_early(f"worker {number} ended with {code}: {last or 'without a word'}")


@contextlib.asynccontextmanager
async def local_workers(
    number: int,
    coordinator: HostPort,
    token: str,
    line: Callable[[str], None],
    ended_early: Callable[[str], None],
    command: Sequence[str],
) -> AsyncIterator[LocalWorkers]:
    """So many, which find the token in a file that nobody else can read."""
    workers = LocalWorkers(line, ended_early)
    with tempfile.TemporaryDirectory(prefix="antiphon-loadtest-") as directory:
        token_file = _write(Path(directory, "token"), token)
        try:
            for each in range(number):
                await workers.start(each, coordinator, token_file, command)
            yield workers
        finally:
            await workers.stop()


def _write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path
