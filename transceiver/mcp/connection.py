"""A conversation's connection to one MCP server. Imports the `mcp` package: see `client`."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec
from mcp.client.client import Client
from mcp.shared.exceptions import MCPError
from mcp_types import Tool

from antiphon_proto.realtime.mcp import ToolExecutionError
from transceiver.mcp.allowed_servers import AllowedServers
from transceiver.mcp.guarded_http import GuardedTransport
from transceiver.mcp.requests import (
    CallTool,
    ListTools,
    McpFailed,
    McpOutcome,
    McpRequest,
    McpServer,
    ToolReturned,
    ToolsListed,
)
from transceiver.mcp.server_session import ServerSession
from transceiver.mcp.tool_results import (
    ENDED,
    error_of,
    is_servers_own,
    listed_tools,
    output_of,
)

MAX_TOOLS = 1024
"""That are read of a server's list."""

T = TypeVar("T")

_ARGUMENTS = msgspec.json.Decoder(dict[str, Any])


class ServerConnection:
    """One MCP session, begun by the first request, and begun again after a request failed.

    Runs in one event loop. A server keeps what it knows of the session between calls. What
    runs beside a request that fails goes on.
    """

    def __init__(
        self, server: McpServer, allowed: AllowedServers, tls: ssl.SSLContext, timeout_s: float
    ) -> None:
        self._server = server
        self._timeout_s = timeout_s
        self._transport = GuardedTransport(allowed, urlsplit(server.url).scheme, tls)
        self._session: ServerSession | None = None
        self._sessions: set[ServerSession] = set()
        """Those that are not over: requests may still run in one that another failed in."""

    async def ask(self, request: McpRequest) -> McpOutcome:
        """What comes of it, within the time."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._asked(request)
        except Exception as error:  # noqa: BLE001
            return McpFailed(request.item_id, error_of(error, self._transport.status))

    async def close(self) -> None:
        """End the sessions."""
        sessions, self._session = list(self._sessions), None
        for session in sessions:
            session.leave()
        if sessions:
            await asyncio.wait([each.task for each in sessions], timeout=self._timeout_s)
        await self._transport.aclose()

    async def _asked(self, request: McpRequest) -> McpOutcome:
        match request:
            case ListTools():
                tools = await self._with_client(_tools_of)
                return ToolsListed(request.item_id, listed_tools(tools))
            case CallTool():
                return await self._called(request)

    async def _called(self, request: CallTool) -> McpOutcome:
        try:
            arguments = _ARGUMENTS.decode(request.arguments_json or "{}")
        except (msgspec.DecodeError, RecursionError):
            error = ToolExecutionError(message="The arguments are no JSON object.")
            return McpFailed(request.item_id, error)
        result = await self._with_client(lambda client: client.call_tool(request.name, arguments))
        output = output_of(result)
        if isinstance(output, str):
            return ToolReturned(request.item_id, output)
        return McpFailed(request.item_id, output)

    async def _with_client(self, work: Callable[[Client], Awaitable[T]]) -> T:
        """Work in the session: in a new one, if the server has ended it meanwhile."""
        kept = self._session is not None and not self._session.stale
        try:
            return await self._work(work)
        except MCPError as error:
            if not kept or error.message != ENDED:
                raise
        return await self._work(work)

    async def _work(self, work: Callable[[Client], Awaitable[T]]) -> T:
        session = self._entered()
        try:
            async with session.used() as client:
                return await work(client)
        except BaseException as error:
            if not is_servers_own(error):
                session.abandon()
            raise

    def _entered(self) -> ServerSession:
        if self._session is None or self._session.stale:
            session = ServerSession(self._server, self._transport, self._timeout_s)
            self._sessions.add(session)
            session.task.add_done_callback(lambda _task: self._sessions.discard(session))
            self._session = session
        return self._session


async def _tools_of(client: Client) -> list[Tool]:
    tools: list[Tool] = []
    cursor = None
    while True:
        page = await client.list_tools(cursor=cursor)
        tools += page.tools
        cursor = page.next_cursor
        if not cursor or len(tools) >= MAX_TOOLS:
            return tools[:MAX_TOOLS]
