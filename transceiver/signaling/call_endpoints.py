"""POST /v1/realtime/calls and /v1/realtime/calls/{id}/hangup.

https://platform.openai.com/docs/api-reference/realtime-calls
"""

from aiohttp import web

from transceiver.signaling.authentication import Authenticator
from transceiver.signaling.call_request import read_call_request
from transceiver.signaling.calls import CallFactory
from transceiver.signaling.errors import ApiError
from transceiver.signaling.session_config import layered_session

CALLS_PATH = "/v1/realtime/calls"


class CallEndpoints:
    """Starts and ends calls over HTTP."""

    def __init__(self, calls: CallFactory, authenticator: Authenticator) -> None:
        self._calls = calls
        self._authenticator = authenticator

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post(CALLS_PATH, self._create),
            web.post(CALLS_PATH + "/{call_id}/hangup", self._hang_up),
        ]

    async def _create(self, request: web.Request) -> web.Response:
        caller = self._authenticator.identify(request.headers.get("Authorization"))
        wanted = await read_call_request(request)
        session = layered_session(
            bound=caller.bound_session, model=request.query.get("model"), given=wanted.session
        )
        call = await self._calls.create_call(wanted.offer_sdp, session)
        return web.Response(
            status=201,
            text=call.answer_sdp,
            content_type="application/sdp",
            headers={"Location": f"{CALLS_PATH}/{call.call_id}"},
        )

    async def _hang_up(self, request: web.Request) -> web.Response:
        self._authenticator.identify(request.headers.get("Authorization"))
        call_id = request.match_info["call_id"]
        if not await self._calls.hang_up(call_id):
            raise ApiError(404, "There is no such call.", code="call_not_found", param="call_id")
        return web.Response()
