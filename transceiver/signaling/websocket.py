"""GET /v1/realtime: a session over a WebSocket, whose messages are events.

https://platform.openai.com/docs/guides/realtime-websocket
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from aiohttp import WebSocketError, WSMsgType, web

from antiphon_proto.realtime import RealtimeSession
from transceiver.close_reason import CloseReason
from transceiver.signaling.authentication import Authenticator, Caller
from transceiver.signaling.cors import AllowedOrigins
from transceiver.signaling.errors import ApiError
from transceiver.signaling.key_usage import KeyUsage
from transceiver.signaling.session_config import layered_session
from transceiver.signaling.subprotocols import HEADER, REALTIME, Subprotocols, authorization
from transceiver.websocket_call import WebSocketCall

PATH = "/v1/realtime"

MAX_MESSAGE_BYTES = 32 * 1024 * 1024
"""A longer one ends the connection (1009); one that is too long for an event is refused."""

PING_S = 40.0
"""Without a message for so long the client is asked for a sign of life; it has half of that."""

CLOSE_S = 5.0
"""For a client to read what is left, and the end."""

SHUTDOWN_S = 0.5
"""For all clients together, when the worker stops."""

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


class Sessions(Protocol):
    """Opens sessions over WebSockets."""

    async def open(self, session: RealtimeSession) -> WebSocketCall:
        """Raises CallRefusedError when there is no room."""

    def forget(self, call: WebSocketCall, reason: CloseReason) -> None:
        """Close a session, if it is not closed, and let go of it."""

    def close_all(self) -> None: ...

    def flush(self) -> None:
        """Send what is queued for the engines."""


class WebSocketEndpoint:
    """Serves each connection for as long as it lasts."""

    def __init__(
        self,
        sessions: Sessions,
        authenticator: Authenticator,
        usage: KeyUsage,
        allowed_origins: AllowedOrigins,
    ) -> None:
        self._sessions = sessions
        self._authenticator = authenticator
        self._usage = usage
        self._allowed_origins = allowed_origins
        self._running: set[asyncio.Task[object]] = set()

    def routes(self) -> list[web.RouteDef]:
        return [web.get(PATH, self._serve, allow_head=False)]

    async def shut_down(self, _app: web.Application) -> None:
        """Tell the clients that are left, before their connections are cut."""
        self._sessions.close_all()
        if self._running:
            await asyncio.wait(self._running, timeout=SHUTDOWN_S)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        caller = self._authenticator.identify(authorization(request.headers))
        session = self._wanted(request, caller)
        socket = web.WebSocketResponse(
            protocols=(REALTIME,),
            heartbeat=PING_S,
            timeout=CLOSE_S,
            compress=False,
            max_msg_size=MAX_MESSAGE_BYTES,
            decode_text=False,
        )
        if not socket.can_prepare(request):
            raise ApiError(426, "Connect by WebSocket.", headers={"Upgrade": "websocket"})
        with self._usage.begin_session(caller.key), self._counted():
            call = await self._sessions.open(session)
            try:
                await socket.prepare(request)
                await self._run(_Connection(socket, request, self._sessions.flush), call)
            finally:
                self._sessions.forget(call, CloseReason.CANCELLED)
        return socket

    @contextmanager
    def _counted(self) -> Iterator[None]:
        """Count the request among those that run."""
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        try:
            yield
        finally:
            self._running.discard(task)

    async def _run(self, connection: "_Connection", call: WebSocketCall) -> None:
        """Return when both sides are done: a response cannot follow, whatever happened."""
        reading = asyncio.create_task(connection.read(call))
        writing = asyncio.create_task(connection.write())
        try:
            call.start(connection)
            await asyncio.wait((reading, writing), return_when=asyncio.FIRST_COMPLETED)
            call.close(connection.why_ended)
            await writing
            reading.cancel()
            await asyncio.wait((reading,))
            await connection.finish()
        except Exception:  # noqa: BLE001
            call.fail()
        finally:
            # Where the connection is lost, aiohttp cancels this.
            call.close(connection.why_ended)
            reading.cancel()
            writing.cancel()
            connection.release()

    def _wanted(self, request: web.Request, caller: Caller) -> RealtimeSession:
        """What the request asks for. Raises ApiError or RealtimeError."""
        if not self._allowed_origins.allow(request.headers.get("Origin")):
            raise ApiError(403, "Pages of this origin may not connect.", code="origin_not_allowed")
        subprotocols = Subprotocols.parse(request.headers.get(HEADER))
        if subprotocols.offered and not subprotocols.realtime:
            raise ApiError(400, f"Offer the subprotocol {REALTIME!r}.")
        if "realtime=v1" in request.headers.get("OpenAI-Beta", ""):
            message = (
                "The beta of the Realtime API is not served: leave out the OpenAI-Beta header."
            )
            raise ApiError(400, message, code="beta_api_shape_disabled")
        for name in ("call_id", "intent"):
            if name in request.query:
                message = f"{name!r} is not supported over a WebSocket yet."
                raise ApiError(400, message, code="unsupported_parameter", param=name)
        return layered_session(bound=caller.bound_session, model=request.query.get("model"))


class _Connection:
    """The `EventSocket` of one session: a queue before aiohttp's writer."""

    def __init__(
        self, socket: web.WebSocketResponse, request: web.Request, flush: Callable[[], None]
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

    @property
    def unsent_bytes(self) -> int:
        if self._transport is None or self._transport.is_closing():
            return 0
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
        unanswered = isinstance(self._socket.exception(), TimeoutError)
        return CloseReason.CONSENT_LOST if unanswered else CloseReason.CLIENT_HANGUP

    async def read(self, call: WebSocketCall) -> None:
        """Hand the client's messages to the session until there are no more."""
        loop = asyncio.get_running_loop()
        while True:
            message = await self._socket.receive()
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                self._overran = isinstance(message.data, WebSocketError)
                return
            call.receive(message.data)
            while wait_s := call.forward():
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
