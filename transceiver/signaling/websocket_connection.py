"""One client's WebSocket and the session that it speaks to, joined."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import Literal, Protocol

from aiohttp import WebSocketError, WSMsgType, web

from transceiver.close_reason import CloseReason
from transceiver.event_socket import EventSocket
from transceiver.signaling.websocket_handshake import CLOSE_S

_GOING_AWAY = "this server is about to restart"
_CLOSING: Mapping[CloseReason, tuple[int, str]] = {
    CloseReason.CHANNEL_BROKEN: (1008, "events were left unread"),
    CloseReason.ENGINE_FAILED: (1011, "the engine failed"),
    CloseReason.INTERNAL_ERROR: (1011, "internal error"),
    CloseReason.SHUTDOWN: (1012, _GOING_AWAY),
    CloseReason.MAX_DURATION: (1000, "the session is as long as sessions may be"),
    CloseReason.IDLE: (1000, "the session was idle"),
}
"""Clients of OpenAI's connect again by themselves after 1011 and 1012, and not after 1000 and 1008.
https://www.iana.org/assignments/websocket/websocket.xhtml#close-code-number"""

_LEAVING = frozenset({0, 1000, 1001, 1005})
"""What a client says that is done; 0 is no code. Others say that something is wrong, and 1011 is
what a worker that forwards says of a client that is lost."""


class EventSession(Protocol):
    """Takes one client's messages, and sends it the server's; it may be closed many times."""

    def start(self, socket: EventSocket) -> None:
        """The client has come."""

    def receive(self, message: bytes) -> None:
        """Take a message. `forward` what it brought before the next one."""

    def forward(self) -> float | None:
        """Hand on what was received; the seconds until to call it again, 0 when all went."""

    def close(self, reason: CloseReason) -> None: ...

    def fail(self) -> None:
        """End for the defect that is being handled."""


async def run_session(
    socket: web.WebSocketResponse[Literal[False]],
    request: web.Request,
    session: EventSession,
    flush: Callable[[], None],
) -> None:
    """Return when both sides are done: a response cannot follow, whatever happened.

    `flush` sends what is queued for the engines.
    """
    connection = _Connection(socket, request, flush)
    reading = asyncio.create_task(connection.read(session))
    writing = asyncio.create_task(connection.write())
    try:
        session.start(connection)
        await asyncio.wait((reading, writing), return_when=asyncio.FIRST_COMPLETED)
        session.close(connection.why_ended)
        await writing
        reading.cancel()
        await asyncio.wait((reading,))
        await connection.finish()
    except Exception:  # noqa: BLE001
        session.fail()
    finally:
        # Where the connection is lost, aiohttp cancels this.
        session.close(connection.why_ended)
        reading.cancel()
        writing.cancel()
        connection.release()


class _Connection:
    """The `EventSocket` of one session: a queue before aiohttp's writer."""

    def __init__(
        self,
        socket: web.WebSocketResponse[Literal[False]],
        request: web.Request,
        flush: Callable[[], None],
    ) -> None:
        self._socket = socket
        self._transport = request.transport
        self._flush = flush
        self._queue: deque[bytes] = deque()
        self._queued_bytes = 0
        self._wake = asyncio.Event()
        self._end: tuple[int, str] | None = None
        self._aborting: asyncio.TimerHandle | None = None
        self._overran = False
        self._said: int | None = None
        """The code with which the client closed."""

    @property
    def unsent_bytes(self) -> int:
        if self._transport is None or self._transport.is_closing():
            return self._queued_bytes
        return self._queued_bytes + self._transport.get_write_buffer_size()

    def send(self, event: bytes) -> None:
        if self._end is None:
            self._queue.append(event)
            self._queued_bytes += len(event)
            self._wake.set()

    def close(self, reason: CloseReason) -> None:
        """Behind what was sent, or without it after CLOSE_S."""
        self._end = _CLOSING.get(reason, (1000, ""))
        self._wake.set()
        self._aborting = asyncio.get_running_loop().call_later(CLOSE_S, self._abort)

    @property
    def why_ended(self) -> CloseReason:
        """Where the session did not end it: why no more messages come."""
        if self._overran:
            return CloseReason.CHANNEL_BROKEN
        if isinstance(self._socket.exception(), TimeoutError):
            return CloseReason.CONSENT_LOST
        said = self._said in _LEAVING
        return CloseReason.CLIENT_HANGUP if said else CloseReason.CLIENT_LOST

    async def read(self, session: EventSession) -> None:
        """Hand the client's messages to the session until there are no more."""
        loop = asyncio.get_running_loop()
        while True:
            message = await self._socket.receive()
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                self._overran = isinstance(message.data, WebSocketError)
                self._said = message.data if message.type is WSMsgType.CLOSE else None
                return
            session.receive(message.data)
            while wait_s := session.forward():
                loop.call_soon(self._flush)
                await asyncio.sleep(wait_s)
            # Behind all connections that were readable, so that they leave together.
            loop.call_soon(self._flush)

    async def write(self) -> None:
        """Send what is queued until there will be no more."""
        try:
            while self._end is None or self._queue:
                await self._wake.wait()
                self._wake.clear()
                await self._write_queued()
        except ConnectionError:
            return  # The reader hears of it, too.

    async def finish(self) -> None:
        """Say the end, and wait for the client's answer; nobody may read meanwhile."""
        code, reason = self._end or (1000, "")
        await self._socket.close(code=code, message=reason.encode())

    def release(self) -> None:
        """The connection is over."""
        if self._aborting is not None:
            self._aborting.cancel()

    async def _write_queued(self) -> None:
        while self._queue:
            event = self._queue.popleft()
            self._queued_bytes -= len(event)
            await self._socket.send_frame(event, WSMsgType.TEXT)

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()
