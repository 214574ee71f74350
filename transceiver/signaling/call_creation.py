"""POST /v1/realtime/calls: a call begins, or goes on with what is left of one that was lost.

https://platform.openai.com/docs/api-reference/realtime-calls
"""

from dataclasses import dataclass

from aiohttp import web

from antiphon_proto.realtime import RealtimeSession
from transceiver.resumption.continuity import TakenUp
from transceiver.resumption.resume_token import Origin
from transceiver.sdp import parse_offer
from transceiver.signaling.api_keys import ApiKey
from transceiver.signaling.authentication import Authenticator
from transceiver.signaling.call_endpoints import CALLS_PATH
from transceiver.signaling.call_request import read_call_request
from transceiver.signaling.calls import CallFactory
from transceiver.signaling.cluster_forwarding import ClusterForwarding
from transceiver.signaling.key_usage import KeyUsage
from transceiver.signaling.regions import Placement
from transceiver.signaling.request_body import json_body
from transceiver.signaling.resuming import RESUME, ResumeRequest, Resuming, session_of
from transceiver.signaling.session_config import layered_session
from transceiver.signaling.wanted_call import OutgoingCallRequest


@dataclass(frozen=True, slots=True)
class _Offer:
    """A call that somebody may have."""

    sdp: str
    session: RealtimeSession
    key: ApiKey
    """Whose limits it uses up."""
    origin: Origin


class CallCreation:
    """Makes calls here or, where another one of the `clusters` should have them, there."""

    def __init__(
        self,
        calls: CallFactory,
        authenticator: Authenticator,
        usage: KeyUsage,
        clusters: ClusterForwarding,
        resuming: Resuming | None = None,
    ) -> None:
        self._calls = calls
        self._authenticator = authenticator
        self._usage = usage
        self._clusters = clusters
        self._resuming = resuming

    def routes(self) -> list[web.RouteDef]:
        return [web.post(CALLS_PATH, self._create)]

    async def _create(self, request: web.Request) -> web.StreamResponse:
        if self._resuming is not None and RESUME in request.query:
            return await self._resume(request, self._resuming)
        if request.content_type == "application/json":
            return await self._place(request)
        caller = self._authenticator.identify(request.headers.get("Authorization"))
        wanted = await read_call_request(request)
        session = layered_session(
            bound=caller.bound_session, model=request.query.get("model"), given=wanted.session
        )
        offer = _Offer(wanted.offer_sdp, session, caller.key, caller.origin)

        async def here(placement: Placement) -> web.Response:
            return await self._answer(offer, placement)

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

    async def _resume(self, request: web.Request, resuming: Resuming) -> web.StreamResponse:
        """Answer the offer of a client that lost its call, and goes on by another."""
        header = request.headers.get("Authorization")
        resumed = resuming.entitled(request.query, header, self._authenticator)
        wanted = await read_call_request(request)
        # An offer that cannot be answered must not cost the session, which ends where it was.
        parse_offer(wanted.offer_sdp)

        async def here(placement: Placement) -> web.Response:
            return await self._go_on(wanted.offer_sdp, resumed, resuming, placement)

        return await self._clusters.resumed_call(request, resumed.claim.cluster_id, wanted, here)

    async def _go_on(
        self, offer_sdp: str, resumed: ResumeRequest, resuming: Resuming, placement: Placement
    ) -> web.Response:
        taken = await resuming.taken(resumed)
        offer = _Offer(offer_sdp, session_of(taken), resumed.key, resumed.origin)
        try:
            return await self._answer(offer, placement, taken)
        except BaseException:
            resuming.put_back(resumed, taken)
            raise

    async def _answer(
        self, offer: _Offer, placement: Placement, taken_up: TakenUp | None = None
    ) -> web.Response:
        held = self._usage.begin_session(offer.key)
        try:
            call = await self._calls.create_call(
                offer.sdp,
                offer.session,
                offer.origin.creator,
                held.close,
                offer.origin,
                taken_up,
                placement.relay,
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
