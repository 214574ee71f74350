"""The calls over WebRTC of one worker, as signaling makes and changes them."""

import math
from collections.abc import Callable

from antiphon_proto.realtime import RealtimeSession
from chassis.host_port import HostPort
from transceiver.admission import Admission, why_unanswered
from transceiver.audio.encoder_policy import EncoderPolicy
from transceiver.call_environment import CallEnvironment
from transceiver.call_mint import CallMint
from transceiver.call_routes import RoutedCall
from transceiver.call_table import CallTable
from transceiver.dtls import DtlsCertificate
from transceiver.relay_paths import RelayPaths
from transceiver.reoffer_limit import ReofferLimit
from transceiver.resumption.continuity import Continuities, Continuity, TakenUp
from transceiver.resumption.resume_token import Origin
from transceiver.sdp import Offer, parse_offer
from transceiver.signaling.calls import (
    CallNotFoundError,
    CallRefusedError,
    CreatedCall,
    RefusalReason,
)
from transceiver.tunnel_endpoint import TunnelEndpoint
from transceiver.webrtc_call import WebRtcCall


class WebRtcCalls:
    """Its calls are in the worker's table from their offer to their end."""

    def __init__(
        self,
        table: CallTable,
        mint: CallMint,
        *,
        advertise: HostPort,
        certificate: DtlsCertificate,
        endpoint: TunnelEndpoint,
        environment: CallEnvironment,
        admission: Admission,
        encoder_policy: EncoderPolicy,
        continuities: Continuities | None = None,
    ) -> None:
        """`advertise` is the relay that clients are told to send to."""
        self._table = table
        self._mint = mint
        self._advertise = advertise
        self._certificate = certificate
        self._endpoint = endpoint
        self._environment = environment
        self._admission = admission
        self._encoder_policy = encoder_policy
        self._continuities = continuities

    async def create_call(
        self,
        offer_sdp: str,
        session: RealtimeSession,
        creator: bytes | None = None,
        on_end: Callable[[], None] | None = None,
        origin: Origin | None = None,
        taken_up: TakenUp | None = None,
    ) -> CreatedCall:
        """Answer an offer; `on_end` is called when the call is over.

        With an `origin` its conversation can be resumed; `taken_up` is what it goes on with.

        Raises OfferError, RealtimeError or CallRefusedError.
        """
        self._admission.check(self._environment.counters.open.total())
        offer = parse_offer(offer_sdp)
        continuity = None
        if self._continuities is not None and origin is not None:
            continuity = self._continuities.of(origin, taken_up)
        call, routed = self._make(offer, session, creator, continuity)
        routed.on_end = on_end
        self._admission.admitted(self._environment.clock())
        self._table.open(routed, frame_ms=offer.format.frame_ms)
        try:
            await self._admission.wait_taken(call)
            answer = call.answer(self._advertise)
        except BaseException as error:
            self._table.end(routed, why_unanswered(error))
            raise
        self._table.answered(routed)
        return CreatedCall(call.call_id, answer)

    def renegotiate(self, call_id: str, offer_sdp: str) -> str:
        """Answer another offer of a call's client.

        Raises CallNotFoundError, CallRefusedError, or OfferError for an offer that the call
        cannot follow; it then goes on as it was.
        """
        routed = self._table.find(call_id)
        call = routed.call
        if not isinstance(call, WebRtcCall):
            raise CallNotFoundError
        wait_s = routed.reoffers.spend(self._environment.clock())
        if wait_s > 0:
            raise CallRefusedError(RefusalReason.RATE_LIMITED, retry_after_s=math.ceil(wait_s))
        call.renegotiate(parse_offer(offer_sdp), self._mint.credentials)
        self._table.update(routed)
        return call.answer(self._advertise)

    def _make(
        self,
        offer: Offer,
        session: RealtimeSession,
        creator: bytes | None,
        continuity: Continuity | None,
    ) -> tuple[WebRtcCall, RoutedCall]:
        paths = RelayPaths(self._endpoint)
        call = WebRtcCall(
            self._mint.call_id(),
            offer=offer,
            session=session,
            ice=self._mint.credentials(),
            certificate=self._certificate,
            encoder_policy=self._encoder_policy,
            send=paths.send,
            environment=self._environment,
            continuity=continuity,
        )
        return call, RoutedCall(call, paths, ReofferLimit(self._environment.clock()), creator)
