"""A WebSocket for a session that another worker holds: each side's messages go to the other.

The owner judges the request, and its refusal comes back as it words it; only then is the
client's connection upgraded. A message at a time is on its way in each direction, so that a
side that does not read stops the other, and the owner sees how much waits for the client.

What the owner is told of the client's end: the code and the reason of its close frame, or LOST
where it vanished without one. What the client is told of the owner's: the same, or GONE.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from typing import Literal

import aiohttp
from aiohttp import WSMsgType, web
from yarl import URL

from antiphon_proto.address import Address
from transceiver.signaling.calls import CallRefusedError, RefusalReason
from transceiver.signaling.owner_link import (
    RESPONSE_HEADERS,
    TRACE_HEADERS,
    picked,
    reaching_owner,
    url_at,
    whole_body,
)
from transceiver.signaling.running_requests import RunningRequests
from transceiver.signaling.subprotocols import HEADER
from transceiver.signaling.websocket_handshake import (
    CLOSE_S,
    MAX_MESSAGE_BYTES,
    PING_S,
    SHUTDOWN_S,
    upgradable,
)

HANDSHAKE_S = 5.0
MAX_FORWARDED = 1000
"""At once, by one worker: a bound on memory."""

LOST = 1011
GONE = 1012
"""OpenAI's clients may connect again by themselves after it."""

REQUEST_HEADERS = ("Authorization", HEADER, "Origin", "OpenAI-Beta", *TRACE_HEADERS)
_UNSENDABLE = frozenset({1005, 1006, 1015})
"""Codes that say how a connection ended, and are never sent (RFC 6455 7.4.1)."""

_ClientSide = web.WebSocketResponse[Literal[False]]
_OwnerSide = aiohttp.ClientWebSocketResponse[Literal[False]]


@dataclass(frozen=True, slots=True)
class _End:
    """A close frame."""

    code: int
    reason: str


class WebSocketForwarding:
    """Connects clients to sessions of other workers for as long as these last."""

    def __init__(self) -> None:
        self._requests = RunningRequests()
        self._stopping = asyncio.Event()

    async def running(self, _app: web.Application) -> AsyncIterator[None]:
        """Hold connections to the other workers for as long as the application runs."""
        self._session = aiohttp.ClientSession(middlewares=(_upgraded_or_refused,))
        async with self._session:
            yield

    async def shut_down(self, _app: web.Application) -> None:
        """Tell the clients that are left, before their connections are cut."""
        self._stopping.set()
        await self._requests.wait(SHUTDOWN_S)

    async def forward(self, request: web.Request, owner: Address) -> web.StreamResponse:
        """Answer an upgrade by the worker at the tunnel address `owner`.

        Raises ApiError (426, 503), CallNotFoundError where no worker is, CallRefusedError.
        """
        headers = picked(request.headers, REQUEST_HEADERS)
        try:
            return await self.carry(request, url_at(owner, request), headers, reaching_owner)
        except UpgradeRefusedError as refusal:
            return refusal.response

    async def carry(
        self,
        request: web.Request,
        url: URL,
        headers: Mapping[str, str],
        reaching: Callable[[], AbstractContextManager[None]],
    ) -> web.StreamResponse:
        """Answer an upgrade by the server at `url`, which `headers` are sent to.

        `reaching` words the errors of a server that does not answer. Raises these,
        UpgradeRefusedError, ApiError (426), CallRefusedError.
        """
        client = upgradable(request)
        if len(self._requests) >= MAX_FORWARDED:
            raise CallRefusedError(RefusalReason.AT_CAPACITY)
        with self._requests.counted():
            with reaching():
                session = await self._connect(url, headers)
            try:
                await client.prepare(request)
                await self._join(client, session)
            finally:
                await session.close(code=LOST)
        return client

    async def _connect(self, url: URL, headers: Mapping[str, str]) -> _OwnerSide:
        """Raises aiohttp.ClientError, TimeoutError, UpgradeRefusedError."""
        async with asyncio.timeout(HANDSHAKE_S):
            return await self._session.ws_connect(
                url,
                headers=headers,
                heartbeat=PING_S,
                timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_S),
                max_msg_size=MAX_MESSAGE_BYTES,
                decode_text=False,
            )

    async def _join(self, client: _ClientSide, session: _OwnerSide) -> None:
        """Return when one side has ended and the other was told."""
        upwards = asyncio.create_task(_hand_on(client, session))
        downwards = asyncio.create_task(_hand_on(session, client))
        stopping = asyncio.create_task(self._stopping.wait())
        tasks = (upwards, downwards, stopping)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            if _ended(upwards):
                # Also when this is cancelled: a client that has said its end is gone at once.
                end = upwards.result() or _End(LOST, "the client is lost")
                await session.close(code=end.code, message=end.reason.encode())
        if not _ended(upwards):
            end = (_ended(downwards) and downwards.result()) or _End(GONE, "this server restarts")
            await client.close(code=end.code, message=end.reason.encode())


async def _hand_on(source: _ClientSide | _OwnerSide, sink: _ClientSide | _OwnerSide) -> _End | None:
    """Hand messages on until there are no more; how the source said its end, if it did."""
    while True:
        message = await source.receive()
        if message.type is WSMsgType.CLOSE:
            code = 1000 if message.data in _UNSENDABLE else message.data
            return _End(code, message.extra or "")
        if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
            return None
        with suppress(ConnectionError):  # Its own reader hears of it.
            await sink.send_frame(message.data, message.type)


def _ended(task: asyncio.Task[_End | None]) -> bool:
    return task.done() and not task.cancelled()


class UpgradeRefusedError(Exception):
    """The server does not upgrade the connection."""

    def __init__(self, response: web.Response) -> None:
        super().__init__()
        self.response = response


async def _upgraded_or_refused(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Raises UpgradeRefusedError unless the connection is upgraded.

    Also for a redirect, before it is followed: the request holds a key, and whom we ask does not
    choose whom else we ask.
    """
    response = await handler(request)
    if response.status != 101:
        headers = picked(response.headers, RESPONSE_HEADERS)
        body = await whole_body(response)
        raise UpgradeRefusedError(web.Response(status=response.status, body=body, headers=headers))
    return response
