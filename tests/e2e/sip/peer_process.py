"""SIP peers of other people's making, as child processes with a directory and a log each."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

PATIENCE_S = 20.0
ENDS_WITHIN_S = 5.0
HOST = "127.0.0.1"


class PeerProcess:
    """What it prints is in `log`, and shown with a failed test."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.log: list[str] = []
        self._news = asyncio.Event()
        self._reader = asyncio.create_task(self._read())

    async def says(self, words: str, since: int = 0) -> str:
        """The first line of its log with these words; waits for it."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for line in self.log[since:]:
                    if words in line:
                        return line
                assert not self._reader.done(), self._story(f"ended, and did not say {words!r}")
                self._news.clear()
                await self._news.wait()

    async def wait(self, within_s: float) -> int:
        """Its exit status."""
        async with asyncio.timeout(within_s):
            await self._reader
            return await self.process.wait()

    def type(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())

    async def end(self) -> None:
        if self.process.returncode is None:
            self.process.terminate()
        try:
            await self.wait(ENDS_WITHIN_S)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
        print(self._story("said"))

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.log.append(line.decode(errors="replace").rstrip())
            self._news.set()
        self._news.set()

    def _story(self, what: str) -> str:
        return "\n".join([f"pid {self.process.pid} {what}:", *self.log])


@contextlib.asynccontextmanager
async def peer_process(
    command: Sequence[str | Path], directory: Path, *, within: Sequence[str] = ()
) -> AsyncIterator[PeerProcess]:
    """Run it in the directory, behind the words of `within`; end it at the end."""
    process = await asyncio.create_subprocess_exec(
        *within,
        *command,
        cwd=directory,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={"HOME": str(directory), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"},
        limit=1 << 20,
    )
    peer = PeerProcess(process)
    try:
        yield peer
    finally:
        await peer.end()
