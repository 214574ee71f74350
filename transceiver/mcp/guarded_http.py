"""HTTP to MCP servers that clients name: only where that is allowed, and only so much."""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Iterable
from typing import Any

import httpcore2
import httpx2

from transceiver.mcp.allowed_servers import AllowedServers, IpAddress

MAX_RESPONSE_BYTES = 2 * 1024 * 1024
"""Of one response that is not a stream of events."""

MAX_STREAM_BYTES = 16 * 1024 * 1024
"""Of one that is."""

MAX_CONNECTIONS = 8
"""To one server, of one conversation."""

KEEPALIVE_S = 60.0


class ForbiddenServerError(Exception):
    """No address of the server is one that may be reached."""


class TooLargeError(Exception):
    """A server sends more than anybody waits for."""


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Connects to the very addresses that were found to be allowed: a name that resolves to
    another one the next time changes nothing. Responses are read as they are, unpacked by nobody.
    """

    def __init__(self, allowed: AllowedServers, scheme: str, tls: ssl.SSLContext) -> None:
        self.status = 0
        """Of the last response."""
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=MAX_CONNECTIONS,
            keepalive_expiry=KEEPALIVE_S,
            network_backend=_GuardedBackend(allowed, scheme),
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Raises ForbiddenServerError, TooLargeError and the exceptions of httpcore2."""
        request.headers["Accept-Encoding"] = "identity"
        url = request.url
        response = await self._pool.handle_async_request(
            httpcore2.Request(
                method=request.method,
                url=httpcore2.URL(
                    scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        self.status = response.status
        headers = httpx2.Headers(response.headers)
        if headers.get("Content-Encoding", "identity").lower() != "identity":
            await response.aclose()
            raise TooLargeError("a packed response, which nobody asked for")
        stream = "text/event-stream" in headers.get("Content-Type", "").lower()
        return httpx2.Response(
            status_code=response.status,
            headers=headers,
            stream=_BoundedStream(response, MAX_STREAM_BYTES if stream else MAX_RESPONSE_BYTES),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        await self._pool.aclose()


class _BoundedStream(httpx2.AsyncByteStream):
    def __init__(self, response: httpcore2.Response, room: int) -> None:
        self._response = response
        self._room = room

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._response.aiter_stream():
            self._room -= len(part)
            if self._room < 0:
                raise TooLargeError("a response that is too long")
            yield part

    async def aclose(self) -> None:
        await self._response.aclose()


class _GuardedBackend(httpcore2.AsyncNetworkBackend):
    def __init__(self, allowed: AllowedServers, scheme: str) -> None:
        self._allowed = allowed
        self._scheme = scheme
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        permitted = [
            address
            for address in await _addresses(host, port)
            if self._allowed.permits(self._scheme, host, address)
        ]
        for address in permitted:
            try:
                return await self._network.connect_tcp(
                    str(address), port, timeout, local_address, socket_options
                )
            except httpcore2.ConnectError:
                if address is permitted[-1]:
                    raise
        raise ForbiddenServerError("no address of the server may be reached")

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)


async def _addresses(host: str, port: int) -> list[IpAddress]:
    """What the host's name stands for. Raises httpcore2.ConnectError."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore2.ConnectError("the name cannot be resolved") from error
    unscoped = (str(sockaddr[0]).partition("%")[0] for *_, sockaddr in found)
    return [ipaddress.ip_address(text) for text in dict.fromkeys(unscoped)]
