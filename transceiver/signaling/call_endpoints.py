"""POST /v1/realtime/calls/{id}, with what a call over WebRTC, and any, can be told.

https://platform.openai.com/docs/api-reference/realtime-calls
"""

from collections.abc import Callable

from aiohttp import web

from transceiver.signaling.authentication import Authenticator
from transceiver.signaling.call_request import read_offer
from transceiver.signaling.call_rights import CallRights
from transceiver.signaling.calls import CallFactory
from transceiver.signaling.regions import Placement

CALLS_PATH = "/v1/realtime/calls"


class CallEndpoints:
    """Changes and ends the calls of this worker."""

    def __init__(
        self,
        calls: CallFactory,
        authenticator: Authenticator,
        placement: Callable[[web.Request], Placement],
    ) -> None:
        """`placement` says where requests' clients are."""
        self._calls = calls
        self._rights = CallRights(calls, authenticator)
        self._placement = placement

    def call_routes(self) -> list[web.RouteDef]:
        return [
            web.post(CALLS_PATH + "/{call_id}", self._renegotiate),
            web.post(CALLS_PATH + "/{call_id}/hangup", self._hang_up),
        ]

    async def _renegotiate(self, request: web.Request) -> web.Response:
        call_id = self._authorized_call(request)
        offer = await read_offer(request)
        answer = self._calls.renegotiate(call_id, offer, self._placement(request).relay)
        return web.Response(text=answer, content_type="application/sdp")

    async def _hang_up(self, request: web.Request) -> web.Response:
        self._calls.hang_up(self._authorized_call(request))
        return web.Response()

    def _authorized_call(self, request: web.Request) -> str:
        """The id of the call that the request is for, by someone who may use it."""
        call_id = request.match_info["call_id"]
        self._rights.require(call_id, request.headers.get("Authorization"))
        return call_id
