"""Makes the calls by SIP of one worker, whoever rings whom."""

import secrets
from collections.abc import Callable
from functools import partial

from antiphon_proto.realtime import RealtimeSession
from transceiver.admission import why_unanswered
from transceiver.call_routes import RoutedCall
from transceiver.relay_paths import RelayPaths
from transceiver.response_rate import SpendRequest
from transceiver.rtp_call_parts import RtpCallParts
from transceiver.sdp.offer_answer import OfferAnswer
from transceiver.sdp.own_offers import LocalMedia
from transceiver.signaling.calls import RefusalReason
from transceiver.sip_calls.leased_door import LeasedDoor, leased_door
from transceiver.sip_calls.sip_call import SipCall, SipMedia
from transceiver.sip_calls.sip_peer import SipPeer


class SipCallMaker:
    """Its calls are in the worker's table from when their engine is asked for."""

    def __init__(self, parts: RtpCallParts) -> None:
        self._parts = parts

    async def open(
        self,
        call_id: str,
        session: RealtimeSession,
        peer: SipPeer,
        *,
        spend: SpendRequest,
        on_end: Callable[[], None],
        greeting: str | None = None,
    ) -> tuple[SipCall, RoutedCall]:
        """A call that an engine has taken; `on_end` is called when it is over.

        Raises CallRefusedError; `on_end` is not called then.
        """
        parts = self._parts
        parts.check_room()
        door = await self._door(peer)
        paths = RelayPaths(parts.endpoint)
        call = self._make(call_id, session, peer, door, paths, spend, greeting)
        routed = parts.routed(call, paths)
        call.on_agreed = partial(self._follow, call, routed)
        parts.admission.admitted(parts.environment.clock())
        parts.table.open(routed)
        try:
            await parts.admission.wait_taken(call)
        except BaseException as error:
            parts.table.end(routed, why_unanswered(error))
            raise
        if call.closed is not None:
            # Its engine failed at once: nobody is to be answered, or called, for it.
            parts.table.end(routed, call.closed)
            raise parts.admission.refusal(RefusalReason.ENGINE_UNAVAILABLE)
        routed.on_end = on_end
        return call, routed

    def _make(
        self,
        call_id: str,
        session: RealtimeSession,
        peer: SipPeer,
        door: LeasedDoor | None,
        paths: RelayPaths,
        spend: SpendRequest,
        greeting: str | None,
    ) -> SipCall:
        parts = self._parts
        local = LocalMedia(
            address=parts.relay if door is None else door.address(parts.relay),
            fingerprint=parts.certificate.fingerprint,
            mint=parts.mint.short_credentials,
            random_bytes=secrets.token_bytes,
            ice=door is None,
        )
        call = SipCall(
            call_id,
            session=session,
            negotiation=OfferAnswer(local, peer.offered),
            media=SipMedia(paths.send) if door is None else door.media,
            certificate=parts.certificate,
            encoder_policy=parts.encoder_policy,
            environment=parts.environment,
            spend=spend,
            greeting=greeting,
        )
        if door is not None:
            door.tenant = call
        return call

    def _follow(self, call: SipCall, routed: RoutedCall) -> None:
        """Have relays and the media clock know what an offer and its answer agreed on."""
        agreed = call.agreed
        candidates = agreed.ice.candidates if agreed.ice else ()
        for address in (agreed.remote, agreed.remote_rtcp, *candidates):
            if address is not None:
                routed.paths.expect(address)
        routed.revision = -1
        self._parts.table.update(routed, frame_ms=agreed.format.frame_ms)

    async def _door(self, peer: SipPeer) -> LeasedDoor | None:
        """A port of a relay, where the peer needs one and there is one."""
        if peer.leased_from is None:
            return None
        heard = None if peer.authenticates else peer.leased_from
        return await leased_door(
            self._parts.endpoint.leases, heard, self._parts.environment.clock()
        )
