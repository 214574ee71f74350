"""GET /v1/realtime: a session over a WebSocket, whose messages are events.

https://platform.openai.com/docs/guides/realtime-websocket
"""

from functools import partial

from aiohttp import web

from antiphon_proto.realtime import RealtimeSession
from transceiver.signaling.authentication import Authenticator, Caller
from transceiver.signaling.cluster_forwarding import ClusterForwarding
from transceiver.signaling.cors import AllowedOrigins
from transceiver.signaling.errors import ApiError
from transceiver.signaling.key_usage import KeyUsage
from transceiver.signaling.resumed_websocket import ResumedWebSockets
from transceiver.signaling.resuming import RESUME
from transceiver.signaling.running_requests import RunningRequests
from transceiver.signaling.session_config import layered_session
from transceiver.signaling.sessions import Sessions
from transceiver.signaling.sideband_endpoint import SidebandEndpoint
from transceiver.signaling.subprotocols import authorization
from transceiver.signaling.websocket_connection import run_session
from transceiver.signaling.websocket_handshake import PATH, SHUTDOWN_S, check_handshake, upgradable
from transceiver.websocket_client import WebSocketClient


class WebSocketEndpoint:
    """Serves each connection for as long as it lasts."""

    def __init__(
        self,
        sessions: Sessions,
        authenticator: Authenticator,
        usage: KeyUsage,
        allowed_origins: AllowedOrigins,
        sidebands: SidebandEndpoint,
        resumed: ResumedWebSockets | None,
        clusters: ClusterForwarding | None = None,
    ) -> None:
        """`clusters` are asked for sessions, too."""
        self._sessions = sessions
        self._authenticator = authenticator
        self._usage = usage
        self._allowed_origins = allowed_origins
        self._sidebands = sidebands
        self._resumed = resumed
        self._clusters = clusters
        self._requests = RunningRequests()

    def routes(self) -> list[web.RouteDef]:
        return [web.get(PATH, self._serve, allow_head=False)]

    async def shut_down(self, _app: web.Application) -> None:
        """Tell the clients that are left, before their connections are cut."""
        self._sessions.close_all()
        await self._requests.wait(SHUTDOWN_S)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if "call_id" in request.query:
            return await self._sidebands.serve(request)
        if self._resumed is not None and RESUME in request.query:
            return await self._resumed.serve(request)
        caller = self._authenticator.identify(authorization(request.headers))
        session = self._wanted(request, caller)

        async def here(_placement: object = None) -> web.StreamResponse:
            return await self._run(request, caller, session)

        return await (self._clusters.session(request, here) if self._clusters else here())

    async def _run(
        self, request: web.Request, caller: Caller, session: RealtimeSession
    ) -> web.StreamResponse:
        """Raises ApiError (426, 429), CallRefusedError."""
        socket = upgradable(request)
        with self._requests.counted():
            held = self._usage.begin_session(caller.key)
            try:
                call = await self._sessions.open(session, caller.origin, held.close)
            except BaseException:
                held.close()
                raise
            self._usage.spare(caller.key, held, partial(self._sessions.give_up, call))
            try:
                await socket.prepare(request)
                client = WebSocketClient(call)
                await run_session(socket, request, client, self._sessions.flush)
            finally:
                self._sessions.leave(call)
        return socket

    def _wanted(self, request: web.Request, caller: Caller) -> RealtimeSession:
        """What the request asks for. Raises ApiError or RealtimeError."""
        check_handshake(request, self._allowed_origins)
        intent = request.query.get("intent", "conversation")
        if intent not in ("conversation", "transcription"):
            message = f"{intent!r} is no intent: use 'transcription', or none."
            raise ApiError(400, message, code="invalid_value", param="intent")
        return layered_session(
            bound=caller.bound_session,
            model=request.query.get("model"),
            transcribes=intent == "transcription",
        )
