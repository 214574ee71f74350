"""GET /v1/realtime?resume=: the client of a session is here again, by another connection."""

from functools import partial
from typing import Literal

from aiohttp import web

from transceiver.resumption.continuity import TakenUp
from transceiver.resumption.counters import ResumeOutcome
from transceiver.signaling.authentication import Authenticator
from transceiver.signaling.cluster_forwarding import ClusterForwarding
from transceiver.signaling.cors import AllowedOrigins
from transceiver.signaling.key_usage import KeyUsage
from transceiver.signaling.resuming import Elsewhere, ResumeRequest, Resuming, session_of
from transceiver.signaling.running_requests import RunningRequests
from transceiver.signaling.sessions import Sessions
from transceiver.signaling.subprotocols import authorization
from transceiver.signaling.websocket_connection import run_session
from transceiver.signaling.websocket_forwarding import WebSocketForwarding
from transceiver.signaling.websocket_handshake import SHUTDOWN_S, check_handshake, upgradable
from transceiver.websocket_call import WebSocketCall
from transceiver.websocket_client import WebSocketClient

_Socket = web.WebSocketResponse[Literal[False]]


class ResumedWebSockets:
    """Serves such connections, here or, `forwarding` them, where the session is."""

    def __init__(
        self,
        sessions: Sessions,
        resuming: Resuming,
        authenticator: Authenticator,
        usage: KeyUsage,
        allowed_origins: AllowedOrigins,
        forwarding: WebSocketForwarding | None = None,
        clusters: ClusterForwarding | None = None,
    ) -> None:
        """Without `forwarding` and `clusters` only sessions of this worker are served."""
        self._sessions = sessions
        self._resuming = resuming
        self._authenticator = authenticator
        self._usage = usage
        self._allowed_origins = allowed_origins
        self._forwarding = forwarding
        self._clusters = clusters
        self._requests = RunningRequests()

    async def shut_down(self, _app: web.Application) -> None:
        """Wait for the clients that are left to be told."""
        await self._requests.wait(SHUTDOWN_S)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Raises ApiError (400, 401, 403, 404, 426, 429), CallRefusedError."""
        check_handshake(request, self._allowed_origins)
        header = authorization(request.headers)
        resumed = self._resuming.entitled(request.query, header, self._authenticator)

        async def here(_placement: object = None) -> web.StreamResponse:
            return await self._serve(request, resumed)

        if self._clusters is None:
            return await here()
        return await self._clusters.resumed_session(request, resumed.claim.cluster_id, here)

    async def _serve(self, request: web.Request, resumed: ResumeRequest) -> web.StreamResponse:
        session = self._resuming.here(resumed)
        if isinstance(session, WebSocketCall):
            return await self._return(request, resumed, session)
        if session is None and self._forwarding is not None:
            found = await self._resuming.elsewhere(resumed)
            if isinstance(found, Elsewhere) and found.by_websocket:
                self._resuming.count(ResumeOutcome.FORWARDED)
                return await self._forwarding.forward(request, found.owner)
        return await self._restore(request, resumed)

    async def _return(
        self, request: web.Request, resumed: ResumeRequest, call: WebSocketCall
    ) -> web.StreamResponse:
        self._resuming.count(ResumeOutcome.REPLAYED)
        client = WebSocketClient(call, returns=True, last_event_id=resumed.last_event_id)
        with self._requests.counted():
            return await self._run(upgradable(request), request, call, client)

    async def _restore(self, request: web.Request, resumed: ResumeRequest) -> web.StreamResponse:
        socket = upgradable(request)
        with self._requests.counted():
            taken = await self._resuming.taken(resumed)
            try:
                call = await self._open(resumed, taken)
            except BaseException:
                self._resuming.put_back(resumed, taken)
                raise
            try:
                return await self._run(socket, request, call, WebSocketClient(call))
            finally:
                if not call.has_come:
                    self._resuming.put_back(resumed, taken)

    async def _open(self, resumed: ResumeRequest, taken: TakenUp) -> WebSocketCall:
        """Raises ApiError (404, 429), CallRefusedError."""
        held = self._usage.begin_session(resumed.key)
        try:
            call = await self._sessions.open(session_of(taken), resumed.origin, held.close, taken)
        except BaseException:
            held.close()
            raise
        self._usage.spare(resumed.key, held, partial(self._sessions.give_up, call))
        return call

    async def _run(
        self, socket: _Socket, request: web.Request, call: WebSocketCall, client: WebSocketClient
    ) -> web.StreamResponse:
        try:
            await socket.prepare(request)
            await run_session(socket, request, client, self._sessions.flush)
        finally:
            self._sessions.leave(call)
        return socket
