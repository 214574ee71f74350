"""POST /v1/realtime/calls, and /v1/realtime/calls/{id} with what a call can be told.

https://platform.openai.com/docs/api-reference/realtime-calls
"""

from aiohttp import web

from transceiver.signaling.authentication import Authenticator
from transceiver.signaling.call_request import read_call_request, read_offer
from transceiver.signaling.call_rights import CallRights
from transceiver.signaling.calls import CallFactory
from transceiver.signaling.key_usage import KeyUsage
from transceiver.signaling.session_config import layered_session

CALLS_PATH = "/v1/realtime/calls"


class CallEndpoints:
    """Starts, changes and ends calls over HTTP."""

    def __init__(self, calls: CallFactory, authenticator: Authenticator, usage: KeyUsage) -> None:
        self._calls = calls
        self._authenticator = authenticator
        self._rights = CallRights(calls, authenticator)
        self._usage = usage

    def routes(self) -> list[web.RouteDef]:
        return [web.post(CALLS_PATH, self._create)]

    def call_routes(self) -> list[web.RouteDef]:
        """Those of one call, which only the worker that holds it can answer."""
        return [
            web.post(CALLS_PATH + "/{call_id}", self._renegotiate),
            web.post(CALLS_PATH + "/{call_id}/hangup", self._hang_up),
        ]

    async def _create(self, request: web.Request) -> web.Response:
        caller = self._authenticator.identify(request.headers.get("Authorization"))
        wanted = await read_call_request(request)
        session = layered_session(
            bound=caller.bound_session, model=request.query.get("model"), given=wanted.session
        )
        held = self._usage.begin_session(caller.key)
        try:
            call = await self._calls.create_call(
                wanted.offer_sdp, session, caller.secret_digest, held.close
            )
        except BaseException:
            held.close()
            raise
        return web.Response(
            status=201,
            text=call.answer_sdp,
            content_type="application/sdp",
            headers={"Location": f"{CALLS_PATH}/{call.call_id}"},
        )

    async def _renegotiate(self, request: web.Request) -> web.Response:
        call_id = self._authorized_call(request)
        answer = self._calls.renegotiate(call_id, await read_offer(request))
        return web.Response(text=answer, content_type="application/sdp")

    async def _hang_up(self, request: web.Request) -> web.Response:
        self._calls.hang_up(self._authorized_call(request))
        return web.Response()

    def _authorized_call(self, request: web.Request) -> str:
        """The id of the call that the request is for, by someone who may use it."""
        call_id = request.match_info["call_id"]
        self._rights.require(call_id, request.headers.get("Authorization"))
        return call_id
