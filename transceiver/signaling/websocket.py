"""GET /v1/realtime: a session over a WebSocket, whose messages are events.

https://platform.openai.com/docs/guides/realtime-websocket
"""

from typing import Protocol

from aiohttp import web

from antiphon_proto.realtime import RealtimeSession
from transceiver.close_reason import CloseReason
from transceiver.signaling.authentication import Authenticator, Caller
from transceiver.signaling.cors import AllowedOrigins
from transceiver.signaling.errors import ApiError
from transceiver.signaling.key_usage import KeyUsage
from transceiver.signaling.running_requests import RunningRequests
from transceiver.signaling.session_config import layered_session
from transceiver.signaling.subprotocols import HEADER, REALTIME, Subprotocols, authorization
from transceiver.signaling.websocket_connection import run_session
from transceiver.signaling.websocket_handshake import PATH, SHUTDOWN_S, upgradable
from transceiver.websocket_call import WebSocketCall


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
        self._requests = RunningRequests()

    def routes(self) -> list[web.RouteDef]:
        return [web.get(PATH, self._serve, allow_head=False)]

    async def shut_down(self, _app: web.Application) -> None:
        """Tell the clients that are left, before their connections are cut."""
        self._sessions.close_all()
        await self._requests.wait(SHUTDOWN_S)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        caller = self._authenticator.identify(authorization(request.headers))
        session = self._wanted(request, caller)
        socket = upgradable(request)
        with self._usage.begin_session(caller.key), self._requests.counted():
            call = await self._sessions.open(session)
            try:
                await socket.prepare(request)
                await run_session(socket, request, call, self._sessions.flush)
            finally:
                self._sessions.forget(call, CloseReason.CANCELLED)
        return socket

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
        if "call_id" in request.query:
            message = "'call_id' is not supported over a WebSocket yet."
            raise ApiError(400, message, code="unsupported_parameter", param="call_id")
        intent = request.query.get("intent", "conversation")
        if intent not in ("conversation", "transcription"):
            message = f"{intent!r} is no intent: use 'transcription', or none."
            raise ApiError(400, message, code="invalid_value", param="intent")
        return layered_session(
            bound=caller.bound_session,
            model=request.query.get("model"),
            transcribes=intent == "transcription",
        )
