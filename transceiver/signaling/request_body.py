"""Reading request bodies from senders that are slow, gone or broken."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from transceiver.signaling.errors import ApiError

TIMEOUT_S = 10.0


@asynccontextmanager
async def reading_body(timeout_s: float = TIMEOUT_S) -> AsyncIterator[None]:
    """Bound the time that a body may take. Raises ApiError (400, 408) when it does not come."""
    try:
        async with asyncio.timeout(timeout_s):
            yield
    except TimeoutError as error:
        raise ApiError(408, "The request body took too long to arrive.") from error
    except (ConnectionError, HttpProcessingError, web.RequestPayloadError) as error:
        raise ApiError(400, "The request body is incomplete or malformed.") from error


class BodyReader:
    """Reads bodies of senders that nobody knows yet: so many bytes of each, and at once."""

    def __init__(self, max_bytes: int, max_bytes_at_once: int) -> None:
        self._max_bytes = max_bytes
        self._room = max_bytes_at_once

    async def read(self, request: web.Request) -> bytes:
        """As long a body as the request announces: longer than the application lets others be.

        Raises EOFError, ApiError (400, 408), HTTPException (413, 503).
        """
        length = request.content_length or 0
        if length > self._max_bytes:
            raise web.HTTPRequestEntityTooLarge(self._max_bytes, length)
        if length > self._room:
            raise web.HTTPServiceUnavailable
        self._room -= length
        try:
            async with reading_body():
                return await request.content.readexactly(length)
        finally:
            self._room += length


async def json_body(request: web.Request) -> bytes:
    """The body, `{}` where there is none. Raises ApiError (400, 408, 415), HTTPException (413)."""
    async with reading_body():
        body = await request.read()
    if body and request.content_type != "application/json":
        raise ApiError(415, "Send the request as application/json.")
    return body or b"{}"
