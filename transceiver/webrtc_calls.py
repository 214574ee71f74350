"""The calls over WebRTC of one worker, as signaling makes and changes them."""

import math
from collections.abc import Callable

from antiphon_proto.realtime import RealtimeSession
from chassis.host_port import HostPort
from transceiver.admission import why_unanswered
from transceiver.call_routes import RoutedCall
from transceiver.relay_paths import RelayPaths
from transceiver.resumption.continuity import Continuities, Continuity, TakenUp
from transceiver.resumption.resume_token import Origin
from transceiver.rtp_call_parts import RtpCallParts
from transceiver.sdp import Offer, parse_offer
from transceiver.signaling.calls import (
    CallNotFoundError,
    CallRefusedError,
    CreatedCall,
    RefusalReason,
)
from transceiver.webrtc_call import WebRtcCall


class WebRtcCalls:
    """Its calls are in the worker's table from their offer to their end."""

    def __init__(self, parts: RtpCallParts, continuities: Continuities | None = None) -> None:
        self._parts = parts
        self._continuities = continuities

    async def create_call(
        self,
        offer_sdp: str,
        session: RealtimeSession,
        creator: bytes | None = None,
        on_end: Callable[[], None] | None = None,
        origin: Origin | None = None,
        taken_up: TakenUp | None = None,
        relay: HostPort | None = None,
    ) -> CreatedCall:
        """Answer an offer; `on_end` is called when the call is over.

        With an `origin` its conversation can be resumed; `taken_up` is what it goes on with. The
        client is told to send to `relay`; by default to the one that all are told of.

        Raises OfferError, RealtimeError or CallRefusedError.
        """
        parts = self._parts
        parts.check_room()
        offer = parse_offer(offer_sdp)
        continuity = None
        if self._continuities is not None and origin is not None:
            continuity = self._continuities.of(origin, taken_up)
        call, routed = self._make(offer, session, creator, continuity)
        routed.on_end = on_end
        routed.relay = relay
        parts.admission.admitted(parts.environment.clock())
        parts.table.open(routed, frame_ms=offer.format.frame_ms)
        try:
            await parts.admission.wait_taken(call)
            answer = call.answer(relay or parts.advertise)
        except BaseException as error:
            parts.table.end(routed, why_unanswered(error))
            raise
        parts.table.answered(routed)
        return CreatedCall(call.call_id, answer)

    def renegotiate(self, call_id: str, offer_sdp: str, relay: HostPort | None = None) -> str:
        """Answer another offer of a call's client, who may be nearer to another `relay` now.

        Raises CallNotFoundError, CallRefusedError, or OfferError for an offer that the call
        cannot follow; it then goes on as it was.
        """
        parts = self._parts
        routed = parts.table.find(call_id)
        call = routed.call
        if not isinstance(call, WebRtcCall):
            raise CallNotFoundError
        wait_s = routed.reoffers.spend(parts.environment.clock())
        if wait_s > 0:
            raise CallRefusedError(RefusalReason.RATE_LIMITED, retry_after_s=math.ceil(wait_s))
        call.renegotiate(parse_offer(offer_sdp), parts.mint.credentials)
        parts.table.update(routed)
        routed.relay = relay or routed.relay
        return call.answer(routed.relay or parts.advertise)

    def _make(
        self,
        offer: Offer,
        session: RealtimeSession,
        creator: bytes | None,
        continuity: Continuity | None,
    ) -> tuple[WebRtcCall, RoutedCall]:
        parts = self._parts
        paths = RelayPaths(parts.endpoint)
        call = WebRtcCall(
            parts.mint.call_id(),
            offer=offer,
            session=session,
            ice=parts.mint.credentials(),
            certificate=parts.certificate,
            encoder_policy=parts.encoder_policy,
            send=paths.send,
            environment=parts.environment,
            continuity=continuity,
        )
        return call, parts.routed(call, paths, creator)
