"""GET /sip: SIP over a WebSocket, each of whose messages is one of SIP's.

https://www.rfc-editor.org/rfc/rfc7118
"""

import asyncio
from collections import deque
from typing import Literal

from aiohttp import WSMsgType, web

from transceiver.signaling.cors import AllowedOrigins
from transceiver.signaling.errors import ApiError
from transceiver.signaling.running_requests import RunningRequests
from transceiver.signaling.websocket_handshake import SHUTDOWN_S, check_origin, upgradable
from transceiver.sip.exchange import Exchange
from transceiver.sip.flow import Flow, SipTransport
from transceiver.sip.sip_drop import SipDrop
from transceiver.sip.stream_framing import MAX_MESSAGE_BYTES

PATH = "/sip"
SUBPROTOCOL = "sip"
CLOSE_S = 2.0


class SipWebSockets:
    """Serves each connection for as long as it lasts."""

    def __init__(self, exchange: Exchange, allowed_origins: AllowedOrigins) -> None:
        self._exchange = exchange
        self._allowed_origins = allowed_origins
        self._requests = RunningRequests()

    def routes(self) -> list[web.RouteDef]:
        return [web.get(PATH, self._serve, allow_head=False)]

    async def shut_down(self, _app: web.Application) -> None:
        """Connections are cut before by `Exchange.end_connections`."""
        await self._requests.wait(SHUTDOWN_S)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        socket = self._upgradable(request)
        with self._requests.counted():
            await socket.prepare(request)
            connection = _Connection(socket, request)
            secure = request.transport is not None and bool(
                request.transport.get_extra_info("ssl_object")
            )
            transport = SipTransport.WSS if secure else SipTransport.WS
            peer = request.transport.get_extra_info("peername") if request.transport else None
            remote = (str(peer[0]), int(peer[1])) if peer else ("", 0)
            flow = self._exchange.opened(connection, transport, remote) if peer else None
            if flow is None:
                await socket.close(code=1013)
                return socket
            await self._run(socket, connection, flow)
        return socket

    async def _run(
        self, socket: web.WebSocketResponse[Literal[False]], connection: "_Connection", flow: Flow
    ) -> None:
        writing = asyncio.create_task(connection.run())
        try:
            await self._read(socket, flow)
        finally:
            # Where the connection is lost, aiohttp cancels this.
            writing.cancel()
            self._exchange.closed(flow)

    async def _read(self, socket: web.WebSocketResponse[Literal[False]], flow: Flow) -> None:
        while True:
            message = await socket.receive()
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                if message.type is WSMsgType.ERROR:
                    self._exchange.dropped(SipDrop.TOO_LONG)
                return
            data: bytes = message.data
            if data.isspace():
                self._exchange.kept_alive(flow)
            else:
                self._exchange.received(data.lstrip(b"\r\n"), flow)

    def _upgradable(self, request: web.Request) -> web.WebSocketResponse[Literal[False]]:
        """Raises ApiError (400, 403, 426)."""
        check_origin(request, self._allowed_origins)
        socket = upgradable(
            request, subprotocol=SUBPROTOCOL, max_message_bytes=MAX_MESSAGE_BYTES, close_s=CLOSE_S
        )
        if socket.can_prepare(request).protocol != SUBPROTOCOL:
            raise ApiError(400, f"Offer the subprotocol {SUBPROTOCOL!r}.")
        return socket


class _Connection:
    """An `exchange.Connection`: a queue before aiohttp's writer."""

    def __init__(self, socket: web.WebSocketResponse[Literal[False]], request: web.Request) -> None:
        self._socket = socket
        self._transport = request.transport
        self._queue: deque[bytes] = deque()
        self._queued_bytes = 0
        self._wake = asyncio.Event()

    @property
    def unsent_bytes(self) -> int:
        if self._transport is None or self._transport.is_closing():
            return self._queued_bytes
        return self._queued_bytes + self._transport.get_write_buffer_size()

    def write(self, message: bytes) -> None:
        self._queue.append(message)
        self._queued_bytes += len(message)
        self._wake.set()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    async def run(self) -> None:
        """Send what is queued, until cancelled or cut off."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._queue:
                    message = self._queue.popleft()
                    self._queued_bytes -= len(message)
                    await self._socket.send_frame(message, _frame_type(message))
        except ConnectionError:
            return  # The reader hears of it, too.


def _frame_type(message: bytes) -> WSMsgType:
    """https://www.rfc-editor.org/rfc/rfc7118#section-5: a browser ends a connection on text that
    is not UTF-8."""
    try:
        message.decode()
    except UnicodeDecodeError:
        return WSMsgType.BINARY
    return WSMsgType.TEXT
