"""Where a relay waits for the one that replaces it."""

import asyncio
import contextlib
import errno
import secrets
import socket
from pathlib import Path

ABSTRACT = "@"
"""Begins the name of an abstract Unix socket: https://man7.org/linux/man-pages/man7/unix.7.html"""

LET_GO_S = 5.0
"""How long a predecessor may have an abstract name after it has released its sockets."""

_TRY_AGAIN_S = 0.02


def unix_address(place: str) -> str:
    """`place` as the kernel wants it."""
    return "\0" + place[1:] if place.startswith(ABSTRACT) else place


class HandoverListener:
    """Where a relay waits for its successor: a Unix socket.

    That of a path its user alone may use; an abstract one whoever shares the network
    namespace, and `handover_channel` turns other users away.
    """

    def __init__(self, listener: socket.socket, path: Path | None) -> None:
        """`listener` listens, and is this one's to close; `path` is where it lies, if anywhere."""
        listener.setblocking(False)
        self._listener = listener
        self._path = path
        self._inode = path.stat().st_ino if path is not None else 0

    async def accept(self) -> socket.socket:
        connection, _ = await asyncio.get_running_loop().sock_accept(self._listener)
        return connection

    def close(self) -> None:
        """Listen no more; the path goes, unless a successor has it by now."""
        self._listener.close()
        if self._path is None:
            return
        with contextlib.suppress(FileNotFoundError):
            if self._path.stat().st_ino == self._inode:
                self._path.unlink()


async def listen_for_successors(place: str) -> HandoverListener:
    """Take the place, from a predecessor too. Raises OSError."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if place.startswith(ABSTRACT):
            await _bind_abstract(listener, unix_address(place))
            return HandoverListener(listener, None)
        return HandoverListener(listener, _bind_path(listener, Path(place)))
    except BaseException:
        listener.close()
        raise


async def _bind_abstract(listener: socket.socket, address: str) -> None:
    deadline = asyncio.get_running_loop().time() + LET_GO_S
    while True:
        try:
            listener.bind(address)
        except OSError as error:
            late = asyncio.get_running_loop().time() >= deadline
            if error.errno != errno.EADDRINUSE or late:
                raise
            await asyncio.sleep(_TRY_AGAIN_S)
        else:
            listener.listen()
            return


def _bind_path(listener: socket.socket, path: Path) -> Path:
    # Not a process id: in containers, all are 1.
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        listener.bind(str(new))
        new.chmod(0o600)
        # Whoever connects finds either the one before or this one.
        listener.listen()
        new.rename(path)
    except OSError:
        new.unlink(missing_ok=True)
        raise
    return path
