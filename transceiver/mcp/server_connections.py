"""One conversation's connections to MCP servers, and what they are asked."""

import asyncio
import logging
import ssl
from typing import TYPE_CHECKING, Any

from antiphon_proto.realtime.mcp import HttpError
from transceiver.mcp.allowed_servers import AllowedServers
from transceiver.mcp.requests import McpFailed, McpOutcome, McpRequest, McpServer

if TYPE_CHECKING:
    from transceiver.mcp.connection import ServerConnection

logger = logging.getLogger(__name__)

MAX_CONNECTIONS = 512
"""Of a worker, to all servers of all conversations."""

_NOT_INSTALLED = "MCP servers cannot be asked: the package `mcp` is not installed."


class ConnectionPolicy:
    """What all conversations of a worker share."""

    def __init__(self, allowed: AllowedServers, timeout_s: float) -> None:
        self.allowed = allowed
        self.timeout_s = timeout_s
        self.tls = ssl.create_default_context()
        self.open = 0
        """Connections."""


class ServerConnections:
    """Kept between requests, until `close`."""

    def __init__(self, policy: ConnectionPolicy) -> None:
        self._policy = policy
        self._connections: dict[McpServer, ServerConnection] = {}
        self._tasks: set[asyncio.Task[Any] | None] = set()
        self._closed = False

    async def ask(self, request: McpRequest) -> McpOutcome:
        """What comes of it, within the time; cancelled by `close`, also when that came first."""
        if self._closed:
            raise asyncio.CancelledError
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            return await self._asked(request)
        except Exception:
            # Without an outcome the conversation would wait for it for ever.
            logger.exception("an MCP server was not asked")
            error = HttpError(code=500, message="The server was not asked: internal error.")
            return McpFailed(request.item_id, error)
        finally:
            self._tasks.discard(task)

    async def close(self) -> None:
        self._closed = True
        for task in list(self._tasks):
            if task is not None:
                task.cancel()
        connections, self._connections = self._connections, {}
        self._policy.open -= len(connections)
        await asyncio.gather(*(each.close() for each in connections.values()))

    async def _asked(self, request: McpRequest) -> McpOutcome:
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
            if self._policy.open >= MAX_CONNECTIONS:
                return None
            self._policy.open += 1
            self._connections[server] = ServerConnection(
                server, self._policy.allowed, self._policy.tls, self._policy.timeout_s
            )
        return self._connections[server]
