"""POST /v1/realtime/calls, and /v1/realtime/calls/{id} with what a call can be told.

https://platform.openai.com/docs/api-reference/realtime-calls
"""

from collections.abc import Callable

from aiohttp import web

from antiphon_proto.realtime import RealtimeSession
from chassis.host_port import HostPort
from transceiver.resumption.continuity import TakenUp
from transceiver.resumption.resume_token import Origin
from transceiver.sdp import parse_offer
from transceiver.signaling.api_keys import ApiKey
from transceiver.signaling.authentication import Authenticator
from transceiver.signaling.call_request import read_call_request, read_offer
from transceiver.signaling.call_rights import CallRights
from transceiver.signaling.calls import CallFactory
from transceiver.signaling.cluster_forwarding import ClusterForwarding
from transceiver.signaling.key_usage import KeyUsage
from transceiver.signaling.regions import Placement
from transceiver.signaling.request_body import json_body
from transceiver.signaling.resuming import RESUME, Resuming, session_of
from transceiver.signaling.session_config import layered_session
from transceiver.signaling.wanted_call import OutgoingCallRequest

CALLS_PATH = "/v1/realtime/calls"


class CallEndpoints:
    """Starts, changes and ends calls over HTTP."""

    def __init__(
        self,
        calls: CallFactory,
        authenticator: Authenticator,
        usage: KeyUsage,
        resuming: Resuming | None = None,
        *,
        clusters: ClusterForwarding | None = None,
        placement: Callable[[web.Request], Placement] = lambda _request: Placement(()),
    ) -> None:
        """`clusters` are asked for calls, too; `placement` says where requests' clients are."""
        self._calls = calls
        self._authenticator = authenticator
        self._rights = CallRights(calls, authenticator)
        self._usage = usage
        self._resuming = resuming
        self._clusters = clusters
        self._placement = placement

    def routes(self) -> list[web.RouteDef]:
        return [web.post(CALLS_PATH, self._create)]

    def call_routes(self) -> list[web.RouteDef]:
        """Those of one call, which only the worker that holds it can answer."""
        return [
            web.post(CALLS_PATH + "/{call_id}", self._renegotiate),
            web.post(CALLS_PATH + "/{call_id}/hangup", self._hang_up),
        ]

    async def _create(self, request: web.Request) -> web.Response:
        if self._resuming is not None and RESUME in request.query:
            return await self._resume(request, self._resuming)
        if request.content_type == "application/json":
            return await self._place(request)
        caller = self._authenticator.identify(request.headers.get("Authorization"))
        wanted = await read_call_request(request)
        session = layered_session(
            bound=caller.bound_session, model=request.query.get("model"), given=wanted.session
        )

        async def here(placement: Placement) -> web.Response:
            return await self._answer(
                wanted.offer_sdp, session, caller.key, caller.origin, relay=placement.relay
            )

        if self._clusters is None:
            return await here(self._placement(request))
        return await self._clusters.call(request, wanted, here)

    async def _place(self, request: web.Request) -> web.Response:
        """Call somebody by SIP. Not for client secrets: calls cost money."""
        caller = self._authenticator.require_api_key(request.headers.get("Authorization"))
        asked = OutgoingCallRequest.parse(await json_body(request))
        session = layered_session(given=asked.session)
        held = self._usage.begin_session(caller.key)
        try:
            call_id = await self._calls.place_call(asked.wanted, session, caller.key, held.close)
        except BaseException:
            held.close()
            raise
        return web.json_response(
            {"id": call_id, "object": "realtime.call"},
            status=201,
            headers={"Location": f"{CALLS_PATH}/{call_id}"},
        )

    async def _resume(self, request: web.Request, resuming: Resuming) -> web.Response:
        """Answer the offer of a client that lost its call, and goes on by another."""
        header = request.headers.get("Authorization")
        resumed = resuming.entitled(request.query, header, self._authenticator)
        wanted = await read_call_request(request)
        # An offer that cannot be answered must not cost the session, which ends where it was.
        parse_offer(wanted.offer_sdp)
        taken = await resuming.taken(resumed)
        session = session_of(taken)
        try:
            return await self._answer(
                wanted.offer_sdp,
                session,
                resumed.key,
                resumed.origin,
                taken,
                relay=self._placement(request).relay,
            )
        except BaseException:
            resuming.put_back(resumed, taken)
            raise

    async def _answer(
        self,
        offer_sdp: str,
        session: RealtimeSession,
        key: ApiKey,
        origin: Origin,
        taken_up: TakenUp | None = None,
        relay: HostPort | None = None,
    ) -> web.Response:
        held = self._usage.begin_session(key)
        try:
            call = await self._calls.create_call(
                offer_sdp, session, origin.creator, held.close, origin, taken_up, relay
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
