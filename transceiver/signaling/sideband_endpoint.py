"""GET /v1/realtime?call_id=: an application's WebSocket to a call beside its client's.

https://platform.openai.com/docs/guides/realtime-server-controls
"""

from collections.abc import Callable

from aiohttp import web

from transceiver.audience import MAX_SIDEBANDS, AudienceFullError
from transceiver.close_reason import CloseReason
from transceiver.sideband import Sideband
from transceiver.signaling.authentication import Authenticator
from transceiver.signaling.call_rights import CallRights
from transceiver.signaling.calls import CallFactory, CallNotFoundError
from transceiver.signaling.cors import AllowedOrigins
from transceiver.signaling.errors import ApiError
from transceiver.signaling.running_requests import RunningRequests
from transceiver.signaling.subprotocols import authorization
from transceiver.signaling.websocket_connection import run_session
from transceiver.signaling.websocket_handshake import SHUTDOWN_S, check_handshake, upgradable


class SidebandEndpoint:
    """Serves the sidebands of this worker's calls."""

    def __init__(
        self,
        calls: CallFactory,
        authenticator: Authenticator,
        allowed_origins: AllowedOrigins,
        flush: Callable[[], None],
    ) -> None:
        """`flush` sends what is queued for the engines and the calls' clients."""
        self._calls = calls
        self._rights = CallRights(calls, authenticator)
        self._allowed_origins = allowed_origins
        self._flush = flush
        self._requests = RunningRequests()
        self._sidebands: set[Sideband] = set()

    async def shut_down(self, _app: web.Application) -> None:
        """Tell the applications that are left, before their connections are cut."""
        for sideband in list(self._sidebands):
            sideband.close(CloseReason.SHUTDOWN)
        await self._requests.wait(SHUTDOWN_S)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Run a sideband until it or its call ends.

        Raises ApiError (400, 401, 403, 426, 429), CallNotFoundError.
        """
        call_id = request.query.get("call_id")
        if call_id is None:
            raise CallNotFoundError
        self._rights.require(call_id, authorization(request.headers))
        check_handshake(request, self._allowed_origins)
        socket = upgradable(request)
        with self._requests.counted():
            sideband = self._admitted(call_id)
            try:
                await socket.prepare(request)
                await run_session(socket, request, sideband, self._flush)
            finally:
                sideband.close(CloseReason.CANCELLED)
                self._sidebands.discard(sideband)
        return socket

    def _admitted(self, call_id: str) -> Sideband:
        try:
            sideband = self._calls.sideband(call_id)
        except AudienceFullError as error:
            raise ApiError(
                429,
                f"This call has {MAX_SIDEBANDS} sideband connections, as many as it may.",
                code="sideband_limit_exceeded",
                type="rate_limit_error",
            ) from error
        self._sidebands.add(sideband)
        return sideband
