"""A Redis of a test's own, on a socket in a directory."""

import asyncio
import shutil
import signal
import subprocess
from pathlib import Path

import pytest


class RedisServer:
    def __init__(self, directory: Path) -> None:
        self._socket = directory / "redis.sock"
        self._log = directory / "redis.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"unix://{self._socket}"

    async def start(self, *options: str) -> None:
        """Skips the test where there is no Redis."""
        if shutil.which("redis-server") is None:
            pytest.skip("redis-server is not installed")
        listening = ["--port", "0", "--unixsocket", str(self._socket)]
        kept = ["--save", "", "--dir", str(self._socket.parent), "--logfile", str(self._log)]
        self._process = subprocess.Popen(["redis-server", *listening, *kept, *options])
        while not await self._takes_connections():
            assert self._process.poll() is None, self._log.read_text()
            await asyncio.sleep(0.01)

    async def _takes_connections(self) -> bool:
        """The socket is there before anybody listens at it."""
        try:
            _reader, writer = await asyncio.open_unix_connection(self._socket)
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        writer.close()
        return True

    def freeze(self) -> None:
        """It takes connections, and answers nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            self._socket.unlink(missing_ok=True)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)
