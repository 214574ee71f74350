"""One MCP session with a server, and how it is entered. Imports the `mcp` package: see `client`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

import httpx2
from mcp.client.client import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import Implementation

from transceiver.mcp.guarded_http import GuardedTransport
from transceiver.mcp.requests import McpServer

_US = Implementation(name="antiphon", version="1")
_WITHOUT_STREAMABLE_HTTP = frozenset({400, 404, 405, 406, 415})


class ServerSession:
    """Is entered from the beginning on, and left by the last of its users once it is `stale`."""

    def __init__(self, server: McpServer, transport: GuardedTransport, timeout_s: float) -> None:
        self.stale = False
        """Nobody is to use it who does not already."""
        self._server = server
        self._transport = transport
        self._timeout_s = timeout_s
        self._users = 0
        self._over = asyncio.Event()
        self._client: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        self.task = asyncio.create_task(self._hold())

    @asynccontextmanager
    async def used(self) -> AsyncIterator[Client]:
        """Raises what went wrong when it was entered."""
        self._users += 1
        try:
            yield await asyncio.shield(self._client)
        finally:
            self._users -= 1
            if self.stale and not self._users:
                self.leave()

    def abandon(self) -> None:
        """Let nobody else in."""
        self.stale = True
        if not self._users:
            self.leave()

    def leave(self) -> None:
        """End it, whoever uses it."""
        self.stale = True
        self._over.set()
        if not self._client.done():
            self.task.cancel()

    async def _hold(self) -> None:
        """Enter and leave the session in one task, as its cancel scopes want it."""
        try:
            async with AsyncExitStack() as stack:
                self._client.set_result(await self._enter(stack))
                await self._over.wait()
        except Exception as error:  # noqa: BLE001
            if not self._client.done():
                self._client.set_exception(error)
                self._client.exception()

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
