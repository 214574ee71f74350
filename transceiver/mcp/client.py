"""Asks MCP servers, in a thread of its own.

The `mcp` package takes a second to import and 55 MiB to keep, and each answer some
milliseconds to read. On the loop that carries the audio all calls would be late by that;
here they lose no more than the interpreter's switches. The thread begins with the first request.
"""

import asyncio
import contextlib
import logging
import ssl
import threading
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from antiphon_proto.realtime.mcp import HttpError
from transceiver.mcp.allowed_servers import AllowedServers
from transceiver.mcp.counters import McpCounters
from transceiver.mcp.requests import McpFailed, McpOutcome, McpRequest, McpServer

if TYPE_CHECKING:
    from transceiver.mcp.connection import ServerConnection

logger = logging.getLogger(__name__)

MAX_CONNECTIONS = 512
"""Of a worker, to all servers of all conversations."""

_NOT_INSTALLED = "MCP servers cannot be asked: the package `mcp` is not installed."

Deliver = Callable[[McpOutcome], None]


class McpClient:
    """For all conversations of a worker, on the worker's loop: `open` one for each."""

    def __init__(
        self,
        allowed: AllowedServers,
        timeout_s: float,
        counters: McpCounters,
        flush: Callable[[], None],
    ) -> None:
        """`flush` sends what a conversation, told of an outcome, has for its engine."""
        self.allowed = allowed
        self.timeout_s = timeout_s
        self.counters = counters
        self.flush = flush
        self.connections = 0
        """Open ones; the thread's."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tls: ssl.SSLContext | None = None

    def open(self, deliver: Deliver) -> "McpRequests":
        return McpRequests(self, deliver)

    def submit(self, work: Coroutine[Any, Any, None]) -> None:
        """Have it done in the thread."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(
                target=self._serve, args=(self._loop,), name="mcp", daemon=True
            ).start()
        asyncio.run_coroutine_threadsafe(work, self._loop)

    @property
    def tls(self) -> ssl.SSLContext:
        """Of all connections; the thread's."""
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls

    def close(self) -> None:
        """Ask nobody any more."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        _quieten()
        asyncio.set_event_loop(loop)
        loop.run_forever()
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.close()


class McpRequests:
    """One conversation's requests, and its connections to the servers.

    `run` and `close` are for the worker's loop, which is where `deliver` is called;
    everything else happens in the client's thread.
    """

    def __init__(self, client: McpClient, deliver: Deliver) -> None:
        self._client = client
        self._deliver: Deliver | None = deliver
        self._used = False
        self._connections: dict[McpServer, ServerConnection] = {}
        self._tasks: set[asyncio.Task[Any] | None] = set()

    def run(self, request: McpRequest) -> None:
        """Ask the server; `deliver` is told, unless `close` comes first."""
        self._used = True
        self._client.submit(self._run(request, asyncio.get_running_loop()))

    def close(self) -> None:
        """Nothing more is delivered."""
        if self._used and self._deliver is not None:
            self._client.submit(self._close())
        self._deliver = None

    def _hand_over(self, request: McpRequest, outcome: McpOutcome) -> None:
        self._client.counters.count(request, outcome)
        if self._deliver is not None:
            self._deliver(outcome)
            self._client.flush()

    # ---- in the thread -------------------------------------------------------

    async def _run(self, request: McpRequest, home: asyncio.AbstractEventLoop) -> None:
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            outcome = await self._asked(request)
        except Exception:
            # Without an outcome the conversation would wait for it for ever.
            logger.exception("an MCP server was not asked")
            error = HttpError(code=500, message="The server was not asked: internal error.")
            outcome = McpFailed(request.item_id, error)
        finally:
            self._tasks.discard(task)
        # The worker may have stopped meanwhile.
        with contextlib.suppress(RuntimeError):
            home.call_soon_threadsafe(self._hand_over, request, outcome)

    async def _asked(self, request: McpRequest) -> McpOutcome:
        if not self._client.allowed.any:
            message = "MCP servers may not be used here."
            return McpFailed(request.item_id, HttpError(code=403, message=message))
        try:
            connection = self._connection(request.server)
        except ImportError:
            return McpFailed(request.item_id, HttpError(code=501, message=_NOT_INSTALLED))
        if connection is None:
            message = "Too many connections to MCP servers are open."
            return McpFailed(request.item_id, HttpError(code=503, message=message))
        return await connection.ask(request)

    def _connection(self, server: McpServer) -> "ServerConnection | None":
        from transceiver.mcp.connection import ServerConnection

        if server not in self._connections:
            if self._client.connections >= MAX_CONNECTIONS:
                return None
            self._client.connections += 1
            self._connections[server] = ServerConnection(
                server, self._client.allowed, self._client.tls, self._client.timeout_s
            )
        return self._connections[server]

    async def _close(self) -> None:
        for task in list(self._tasks):
            if task is not None:
                task.cancel()
        connections, self._connections = self._connections, {}
        self._client.connections -= len(connections)
        await asyncio.gather(*(each.close() for each in connections.values()))


def _quieten() -> None:
    """They log URLs, and what servers answered."""
    for name in ("mcp", "httpx2", "httpcore2"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
