"""The calls of one worker: made here, handed their clients' datagrams, forgotten here."""

import logging
import math
import secrets
from collections.abc import Callable
from typing import NoReturn

from antiphon_proto import stun
from antiphon_proto.address import Address
from antiphon_proto.cluster_keys import ClusterKeys
from antiphon_proto.demux import PacketKind, packet_kind
from antiphon_proto.realtime import RealtimeSession
from antiphon_proto.stun import StunClass, StunError
from transceiver.admission import Admission, why_unanswered
from transceiver.announcer import Announcer
from transceiver.audio.encoder_policy import EncoderPolicy
from transceiver.call_environment import CallEnvironment
from transceiver.call_routes import CallRoutes, RoutedCall
from transceiver.close_reason import CloseReason
from transceiver.config import TransceiverConfig
from transceiver.credential_mint import CredentialMint
from transceiver.drop_reason import DropReason
from transceiver.dtls import DtlsCertificate
from transceiver.ice import IceCredentials
from transceiver.media_clock import MediaClock
from transceiver.relay_paths import RelayPaths
from transceiver.reoffer_limit import ReofferLimit
from transceiver.resumption.continuity import Continuities, Continuity, TakenUp
from transceiver.resumption.live_sessions import LiveSessions
from transceiver.resumption.resume_token import Origin
from transceiver.sdp import Offer, parse_offer
from transceiver.sideband import Sideband
from transceiver.signaling.call_id import CallIds
from transceiver.signaling.calls import (
    CallNotFoundError,
    CallRefusedError,
    CreatedCall,
    NotSipError,
    RefusalReason,
)
from transceiver.signaling.sealed_token import NONCE_BYTES
from transceiver.transport import Transport
from transceiver.tunnel_endpoint import TunnelEndpoint
from transceiver.webrtc_call import WebRtcCall

logger = logging.getLogger(__name__)

UFRAG_MARGIN_S = 600
"""How much longer than the longest call a ufrag routes."""


class CallTable:
    """Makes calls for signaling, and hands them their clients' datagrams and the time."""

    def __init__(
        self,
        config: TransceiverConfig,
        keys: ClusterKeys,
        *,
        incarnation: int,
        endpoint: TunnelEndpoint,
        announcer: Announcer,
        environment: CallEnvironment,
        admission: Admission,
        encoder_policy: EncoderPolicy,
        continuities: Continuities | None = None,
        live: LiveSessions | None = None,
    ) -> None:
        """`incarnation` (0..255) is minted into every ufrag."""
        self._config = config
        self._endpoint = endpoint
        self._environment = environment
        self._admission = admission
        self._encoder_policy = encoder_policy
        self._counters = environment.counters
        self._clock = environment.clock
        self._continuities = continuities
        self._live = LiveSessions() if live is None else live
        self._certificate = DtlsCertificate()
        self._credentials = CredentialMint(
            keys, endpoint.address, cluster_id=config.cluster_id, incarnation=incarnation
        )
        self._call_ids = CallIds(keys)
        self._routes = CallRoutes(announcer)
        self._media_clock: MediaClock[RoutedCall] = MediaClock(self._clock())
        self._by_id: dict[str, RoutedCall] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, call_id: str) -> bool:
        return call_id in self._by_id

    def use_keys(self, keys: ClusterKeys) -> None:
        """Mint under the first config of `keys` from here on; calls that are open go on."""
        self._call_ids = CallIds(keys)
        self._credentials.use_keys(keys)

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
        self._admission.check(self._counters.open.total())
        offer = parse_offer(offer_sdp)
        continuity = None
        if self._continuities is not None and origin is not None:
            continuity = self._continuities.of(origin, taken_up)
        routed = self._open(offer, session, creator, continuity)
        routed.on_end = on_end
        self._admission.admitted(self._clock())
        call = routed.call
        self._by_id[call.call_id] = routed
        self._counters.open[Transport.WEBRTC] += 1
        self._media_clock.add(routed, times=2 if offer.format.frame_ms == 10 else 1)
        self._routes.update(routed)
        try:
            await self._admission.wait_taken(routed.call)
            answer = call.answer(self._config.advertise)
        except BaseException as error:
            self._end(routed, why_unanswered(error))
            raise
        self._counters.opened += 1
        if continuity is not None:
            self._live.add(call)
        logger.info("call %s opened", call.call_id)
        return CreatedCall(call.call_id, answer)

    def creator(self, call_id: str) -> bytes | None:
        """The `creator` that it was made with. Raises CallNotFoundError."""
        return self._find(call_id).creator

    def renegotiate(self, call_id: str, offer_sdp: str) -> str:
        """Answer another offer of a call's client.

        Raises CallNotFoundError, CallRefusedError, or OfferError for an offer that the call
        cannot follow; it then goes on as it was.
        """
        routed = self._find(call_id)
        wait_s = routed.reoffers.spend(self._clock())
        if wait_s > 0:
            raise CallRefusedError(RefusalReason.RATE_LIMITED, retry_after_s=math.ceil(wait_s))
        routed.call.renegotiate(parse_offer(offer_sdp), self._mint_credentials)
        self._routes.update(routed)
        return routed.call.answer(self._config.advertise)

    def sideband(self, call_id: str) -> Sideband:
        """One more connection to a call. Raises CallNotFoundError, AudienceFullError."""
        return self._find(call_id).call.sideband()

    def accept(self, call_id: str, _session: RealtimeSession) -> None:
        """Raises CallNotFoundError, or NotSipError: there are WebRTC calls only."""
        self._refuse_as_sip(call_id)

    def reject(self, call_id: str, _status_code: int) -> None:
        """Raises CallNotFoundError, or NotSipError: there are WebRTC calls only."""
        self._refuse_as_sip(call_id)

    def refer(self, call_id: str, _target_uri: str) -> None:
        """Raises CallNotFoundError, or NotSipError: there are WebRTC calls only."""
        self._refuse_as_sip(call_id)

    def hang_up(self, call_id: str) -> None:
        """End a call of this worker. Raises CallNotFoundError."""
        routed = self._find(call_id)
        self._end(routed, CloseReason.CLIENT_HANGUP)

    def receive(self, datagram: bytes, client: Address, relay: Address, now: float) -> None:
        """Hand a client's datagram to its call; one without a call is counted."""
        kind = packet_kind(datagram)
        if kind is PacketKind.STUN:
            self._receive_stun(datagram, client, relay, now)
            return
        routed = self._routes.at(client)
        if routed is not None:
            routed.paths.note(client, relay)
            routed.call.receive(kind, datagram, client, now)
            self._routes.update(routed)
        elif kind is PacketKind.RTP or kind is PacketKind.RTCP:
            self._receive_roaming(datagram, kind, client, relay, now)
        else:
            self._counters.drops[DropReason.NO_CALL] += 1

    @property
    def due_at(self) -> float:
        """When `serve` is to be called next, by the clock."""
        return self._media_clock.due_at

    @property
    def dense(self) -> bool:
        """Whether there is always something to serve within a slot's time."""
        return self._media_clock.dense

    def serve(self, now: float) -> tuple[float, int]:
        """Serve the calls that are next, and forget those that ended.

        Returns when they were due, and how many frames they sent.
        """
        due, served = self._media_clock.take(now)
        self._counters.skipped_frames = self._media_clock.skipped
        sent = self._counters.frames_out
        for routed in served:
            routed.call.serve(due, now)
            self._routes.update(routed)
            if routed.call.closed is not None:
                self._forget(routed)
        return due, self._counters.frames_out - sent

    def close_all(self) -> None:
        for routed in list(self._by_id.values()):
            self._end(routed, CloseReason.SHUTDOWN)

    def _find(self, call_id: str) -> RoutedCall:
        routed = self._by_id.get(call_id)
        if routed is None or routed.call.closed is not None:
            raise CallNotFoundError
        return routed

    def _refuse_as_sip(self, call_id: str) -> NoReturn:
        self._find(call_id)
        raise NotSipError

    def _open(
        self,
        offer: Offer,
        session: RealtimeSession,
        creator: bytes | None,
        continuity: Continuity | None,
    ) -> RoutedCall:
        paths = RelayPaths(self._endpoint)
        call = WebRtcCall(
            self._call_ids.mint(self._endpoint.address, secrets.token_bytes(NONCE_BYTES)),
            offer=offer,
            session=session,
            ice=self._mint_credentials(),
            certificate=self._certificate,
            encoder_policy=self._encoder_policy,
            send=paths.send,
            environment=self._environment,
            continuity=continuity,
        )
        return RoutedCall(call, paths, ReofferLimit(self._clock()), creator)

    def _mint_credentials(self) -> IceCredentials:
        """Of an ICE session that may begin now and last as long as the longest call."""
        lifetime_s = self._config.max_call_seconds + UFRAG_MARGIN_S
        while True:
            credentials = self._credentials.mint(int(self._environment.unix_time()) + lifetime_s)
            if self._routes.with_ufrag(credentials.ufrag.encode()) is None:
                return credentials

    def _receive_stun(self, datagram: bytes, client: Address, relay: Address, now: float) -> None:
        """Requests go by their ufrag, as at the relay; responses to the call that asked."""
        try:
            message = stun.parse(datagram)
        except StunError:
            self._counters.drops[DropReason.STUN_MALFORMED] += 1
            return
        if message.message_class is StunClass.REQUEST:
            routed = self._routes.with_ufrag(message.local_ufrag or b"")
        else:
            routed = self._routes.asking(client, message) or self._routes.at(client)
        if routed is None:
            self._counters.drops[DropReason.NO_CALL] += 1
            return
        routed.paths.note(client, relay)
        routed.call.receive_stun(message, len(datagram), client, now)
        self._settle(routed, client)

    def _receive_roaming(
        self, datagram: bytes, kind: PacketKind, client: Address, relay: Address, now: float
    ) -> None:
        """Media from an unknown address, as after a NAT rebinding: SRTP says whose it is."""
        at = 8 if kind is PacketKind.RTP else 4
        source = int.from_bytes(datagram[at : at + 4], "big")
        reason = DropReason.NO_CALL
        for routed in self._routes.with_source(source):
            routed.paths.note(client, relay)
            accepted = routed.call.receive_roaming(kind, datagram, client, now)
            self._settle(routed, client)
            if accepted:
                return
            reason = DropReason.REBINDING_REFUSED
        self._counters.drops[reason] += 1

    def _settle(self, routed: RoutedCall, client: Address) -> None:
        """Keep of an address that was unknown only what the call has authenticated."""
        knows = routed.call.transport.ice.knows
        if not knows(client):
            routed.paths.forget_unless(knows)
        self._routes.update(routed)

    def _end(self, routed: RoutedCall, reason: CloseReason) -> None:
        routed.call.close(reason)
        self._forget(routed)

    def _forget(self, routed: RoutedCall) -> None:
        if self._by_id.pop(routed.call.call_id, None) is None:
            return
        self._counters.open[Transport.WEBRTC] -= 1
        self._media_clock.remove(routed)
        self._routes.forget(routed)
        self._live.leave(routed.call, self._clock())
        routed.call.release()
        if routed.on_end:
            routed.on_end()
