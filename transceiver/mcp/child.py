"""A worker's process for asking MCP servers, from the worker's side."""

import asyncio
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Callable

from chassis.logs import log_format_in_use
from transceiver.mcp.message_stream import received
from transceiver.mcp.messages import Answered, Begin, Message, MessageError, frame

logger = logging.getLogger(__name__)

MAX_UNSENT_BYTES = 8 * 1024 * 1024
"""Of messages that the process has not read."""

ENDS_WITHIN_S = 2.0


class McpChild:
    """Begins at once, and is `over` when the process has ended, or was closed."""

    def __init__(
        self, begin: Begin, answered: Callable[[Answered], None], lost: Callable[[], None]
    ) -> None:
        """`lost` is called when the process has ended by itself. Raises OSError."""
        ours, theirs = socket.socketpair()
        try:
            self._process = _spawned(theirs)
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        self.over = False
        self._answered = answered
        self._lost = lost
        self._writer: asyncio.StreamWriter | None = None
        self._unsent = bytearray(frame(begin))
        self._task = asyncio.create_task(self._run(ours))

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, message: Message) -> None:
        """Raises MessageError for what is too long, BufferError when too much waits."""
        framed = frame(message)
        waiting = len(self._unsent)
        if self._writer is not None:
            waiting = self._writer.transport.get_write_buffer_size()
        if waiting + len(framed) > MAX_UNSENT_BYTES:
            raise BufferError("the process does not read")
        if self._writer is None:
            self._unsent += framed
        else:
            self._writer.write(framed)

    def kill(self) -> None:
        """It does not do what it should; `lost` follows."""
        self._process.kill()

    async def close(self) -> None:
        """Return when the process has ended."""
        self._lost = lambda: None
        if self._writer is not None:
            self._writer.close()
        else:
            self.kill()
        await self._task

    async def _run(self, ours: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            reader, self._writer = await asyncio.open_connection(sock=ours)
            self._writer.write(bytes(self._unsent))
            self._unsent.clear()
            async for message in received(reader):
                if isinstance(message, Answered):
                    loop.call_soon(self._answered, message)
        except MessageError:
            logger.exception("the process that asks MCP servers is not understood")
            self.kill()
        finally:
            self.over = True
            if self._writer is not None:
                self._writer.close()
            loop.call_soon(self._lost)
        await asyncio.to_thread(self._reap)

    def _reap(self) -> None:
        try:
            self._process.wait(ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _spawned(socket_: socket.socket) -> subprocess.Popen[bytes]:
    """Raises OSError."""
    descriptor = socket_.fileno()
    return subprocess.Popen(  # noqa: S603 - no shell, our own interpreter
        [
            sys.executable,
            "-m",
            "transceiver.mcp",
            str(descriptor),
            str(os.getpid()),
            log_format_in_use(),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=[descriptor],
    )
