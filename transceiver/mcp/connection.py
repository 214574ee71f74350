"""A conversation's connection to one MCP server. Imports the `mcp` package: see `client`."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx2
import msgspec
from mcp.client.client import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import Implementation, Tool

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
from transceiver.mcp.tool_results import error_of, listed_tools, output_of

MAX_TOOLS = 1024
"""That are read of a server's list."""

T = TypeVar("T")

_US = Implementation(name="antiphon", version="1")
_ARGUMENTS = msgspec.json.Decoder(dict[str, Any])
_WITHOUT_STREAMABLE_HTTP = frozenset({400, 404, 405, 406, 415})
_ENDED = "Session terminated"


class ServerConnection:
    """One MCP session, begun by the first request, and begun again after it failed.

    Runs in one event loop. A server keeps what it knows of the session between calls.
    """

    def __init__(
        self, server: McpServer, allowed: AllowedServers, tls: ssl.SSLContext, timeout_s: float
    ) -> None:
        self._server = server
        self._timeout_s = timeout_s
        self._transport = GuardedTransport(allowed, urlsplit(server.url).scheme, tls)
        self._session: asyncio.Task[None] | None = None
        self._client: asyncio.Future[Client] | None = None
        self._over = asyncio.Event()

    async def ask(self, request: McpRequest) -> McpOutcome:
        """What comes of it, within the time."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._asked(request)
        except Exception as error:  # noqa: BLE001
            self._forget()
            return McpFailed(request.item_id, error_of(error, self._transport.status))

    async def close(self) -> None:
        """End the session."""
        session = self._session
        self._forget()
        if session is not None:
            await asyncio.wait([session], timeout=self._timeout_s)
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
        kept = self._client is not None
        try:
            return await work(await self._connected())
        except MCPError as error:
            if not kept or error.message != _ENDED:
                raise
        self._forget()
        return await work(await self._connected())

    async def _connected(self) -> Client:
        if self._client is None:
            self._over = asyncio.Event()
            self._client = asyncio.get_running_loop().create_future()
            self._session = asyncio.create_task(self._hold(self._client, self._over))
        return await asyncio.shield(self._client)

    def _forget(self) -> None:
        self._over.set()
        self._client = self._session = None

    async def _hold(self, client: asyncio.Future[Client], over: asyncio.Event) -> None:
        """Enter and leave the session in one task, as its cancel scopes want it."""
        try:
            async with AsyncExitStack() as stack:
                client.set_result(await self._enter(stack))
                await over.wait()
        except Exception as error:  # noqa: BLE001
            if not client.done():
                client.set_exception(error)
                client.exception()

    async def _enter(self, stack: AsyncExitStack) -> Client:
        """By Streamable HTTP or, where the server does not speak that, by HTTP with SSE.

        https://modelcontextprotocol.io/specification/2025-06-18/basic/transports#backwards-compatibility
        """
        url = self._server.url
        if not urlsplit(url).path.rstrip("/").endswith("/sse"):
            try:
                return await stack.enter_async_context(self._streamable())
            except Exception:
                if self._transport.status not in _WITHOUT_STREAMABLE_HTTP:
                    raise
        return await stack.enter_async_context(self._by_sse())

    @asynccontextmanager
    async def _streamable(self) -> AsyncIterator[Client]:
        async with self._http() as http:
            transport = streamable_http_client(self._server.url, http_client=http)
            async with Client(transport, client_info=_US, cache=None) as client:
                yield client

    @asynccontextmanager
    async def _by_sse(self) -> AsyncIterator[Client]:
        transport = sse_client(
            self._server.url, httpx_client_factory=lambda *_args, **_kwargs: self._http()
        )
        async with Client(transport, client_info=_US, cache=None, mode="legacy") as client:
            yield client

    def _http(self) -> httpx2.AsyncClient:
        """Timeouts are the requests'; a stream of events may be silent."""
        return httpx2.AsyncClient(
            transport=_Shared(self._transport),
            headers=dict(self._server.headers),
            timeout=httpx2.Timeout(self._timeout_s, read=None),
            trust_env=False,
        )


class _Shared(httpx2.AsyncBaseTransport):
    """Stays open when a client that uses it closes."""

    def __init__(self, transport: GuardedTransport) -> None:
        self.handle_async_request = transport.handle_async_request  # type: ignore[method-assign]


async def _tools_of(client: Client) -> list[Tool]:
    tools: list[Tool] = []
    cursor = None
    while True:
        page = await client.list_tools(cursor=cursor)
        tools += page.tools
        cursor = page.next_cursor
        if not cursor or len(tools) >= MAX_TOOLS:
            return tools[:MAX_TOOLS]
