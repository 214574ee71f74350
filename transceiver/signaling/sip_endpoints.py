"""POST /v1/realtime/calls/{id}/accept, /reject and /refer: what SIP calls alone can be told.

https://platform.openai.com/docs/api-reference/realtime-calls
"""

from typing import Annotated, Literal

import msgspec
from aiohttp import web

from antiphon_proto.realtime.json_decoding import decode
from transceiver.signaling.authentication import Authenticator
from transceiver.signaling.call_endpoints import CALLS_PATH
from transceiver.signaling.call_rights import CallRights
from transceiver.signaling.calls import CallFactory
from transceiver.signaling.request_body import json_body
from transceiver.signaling.session_config import layered_session

DECLINE = 603


class _Acceptance(msgspec.Struct):
    """The rest of it is the session's configuration."""

    type: Literal["realtime"]


class _Rejection(msgspec.Struct):
    status_code: Annotated[int, msgspec.Meta(ge=300, le=699)] = DECLINE


class _Referral(msgspec.Struct):
    target_uri: Annotated[str, msgspec.Meta(max_length=2048, pattern=r"^(tel|sips?):[!-~]+\Z")]


_ACCEPTANCE = msgspec.json.Decoder(_Acceptance)
_REJECTION = msgspec.json.Decoder(_Rejection)
_REFERRAL = msgspec.json.Decoder(_Referral)


class SipEndpoints:
    """Answers for this worker's calls; they are authorised as all that is done to calls is."""

    def __init__(self, calls: CallFactory, authenticator: Authenticator) -> None:
        self._calls = calls
        self._rights = CallRights(calls, authenticator)

    def call_routes(self) -> list[web.RouteDef]:
        return [
            web.post(CALLS_PATH + "/{call_id}/accept", self._accept),
            web.post(CALLS_PATH + "/{call_id}/reject", self._reject),
            web.post(CALLS_PATH + "/{call_id}/refer", self._refer),
        ]

    async def _accept(self, request: web.Request) -> web.Response:
        call_id = self._authorized_call(request)
        given = await json_body(request)
        decode(_ACCEPTANCE, given)
        await self._calls.accept(call_id, layered_session(given=given))
        return web.Response()

    async def _reject(self, request: web.Request) -> web.Response:
        call_id = self._authorized_call(request)
        self._calls.reject(call_id, decode(_REJECTION, await json_body(request)).status_code)
        return web.Response()

    async def _refer(self, request: web.Request) -> web.Response:
        call_id = self._authorized_call(request)
        self._calls.refer(call_id, decode(_REFERRAL, await json_body(request)).target_uri)
        return web.Response()

    def _authorized_call(self, request: web.Request) -> str:
        call_id = request.match_info["call_id"]
        self._rights.require(call_id, request.headers.get("Authorization"))
        return call_id
