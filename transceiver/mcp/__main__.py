"""`python -m transceiver.mcp FD PARENT LOG_FORMAT`: asks MCP servers for the worker on socket FD.

Begun by `child`. Ends when the worker is gone.
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections import defaultdict
from collections.abc import Coroutine
from typing import Any

from antiphon_proto.realtime.mcp import HttpError
from chassis.death_signal import die_with_parent
from chassis.logs import LogFormat, configure_logging
from transceiver.mcp.message_stream import received
from transceiver.mcp.messages import Answered, Ask, Begin, Leave, MessageError, frame
from transceiver.mcp.requests import McpFailed
from transceiver.mcp.server_connections import ConnectionPolicy, ServerConnections

NICENESS = 5
"""Audio goes first, where the cores are few."""

FAREWELL_S = 1.0
"""For the sessions to be ended, when the worker leaves."""

_TOO_LARGE = HttpError(code=502, message="The server answered with more than is read.")


class Asking:
    """All conversations of a worker."""

    def __init__(self, policy: ConnectionPolicy, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._conversations: dict[int, ServerConnections] = defaultdict(
            lambda: ServerConnections(policy)
        )
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, message: object) -> None:
        match message:
            case Ask():
                self._begin(self._answer(message, self._conversations[message.conversation]))
            case Leave(conversation):
                if conversation in self._conversations:
                    self._begin(self._conversations.pop(conversation).close())

    async def close(self) -> None:
        for connections in self._conversations.values():
            self._begin(connections.close())
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=FAREWELL_S)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, asked: Ask, connections: ServerConnections) -> None:
        outcome = await connections.ask(asked.request)
        try:
            answer = frame(Answered.of(asked.number, outcome))
        except MessageError:
            answer = frame(Answered.of(asked.number, McpFailed(asked.item_id, _TOO_LARGE)))
        self._writer.write(answer)
        with contextlib.suppress(ConnectionError):
            await self._writer.drain()


async def serve(worker: socket.socket) -> None:
    """Until the worker leaves. Raises MessageError."""
    reader, writer = await asyncio.open_connection(sock=worker)
    asking = None
    async for message in received(reader):
        if isinstance(message, Begin):
            asking = Asking(ConnectionPolicy(message.allowed, message.timeout_s), writer)
        elif asking is not None:
            asking.take(message)
    if asking is not None:
        await asking.close()


def main() -> None:
    descriptor, parent = map(int, sys.argv[1:3])
    die_with_parent(parent)
    for number in (signal.SIGINT, signal.SIGTERM):
        # They go to the group: the worker may have calls to end first.
        signal.signal(number, signal.SIG_IGN)
    os.nice(NICENESS)
    configure_logging("transceiver", "warning", LogFormat(sys.argv[3]))
    for name in ("mcp", "httpx2", "httpcore2"):
        # They log URLs, and what servers answered.
        logging.getLogger(name).setLevel(logging.CRITICAL)
    asyncio.run(serve(socket.socket(fileno=descriptor)))


if __name__ == "__main__":
    main()
