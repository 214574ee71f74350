"""Where a relay waits for the one that replaces it."""

import asyncio
import contextlib
import os
import socket
from pathlib import Path


class HandoverListener:
    """Where a relay waits for its successor: a Unix socket that its user alone may use."""

    def __init__(self, path: str) -> None:
        """Take the path, from a predecessor too. Raises OSError."""
        self._path = Path(path)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        new = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            self._listener.bind(str(new))
            new.chmod(0o600)
            self._listener.listen()
            self._listener.setblocking(False)
            # Whoever connects finds either the one before or this one.
            new.rename(self._path)
        except OSError:
            self._listener.close()
            new.unlink(missing_ok=True)
            raise
        self._inode = self._path.stat().st_ino

    async def accept(self) -> socket.socket:
        connection, _ = await asyncio.get_running_loop().sock_accept(self._listener)
        return connection

    def close(self) -> None:
        """Listen no more; the path goes, unless a successor has it by now."""
        self._listener.close()
        with contextlib.suppress(FileNotFoundError):
            if self._path.stat().st_ino == self._inode:
                self._path.unlink()
