"""Makes the calls by SIP of one worker, whoever rings whom."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from antiphon_proto.address import Address
from antiphon_proto.realtime import RealtimeSession
from chassis.host_port import HostPort
from transceiver.admission import Admission, why_unanswered
from transceiver.audio.encoder_policy import EncoderPolicy
from transceiver.call_environment import CallEnvironment
from transceiver.call_mint import CallMint
from transceiver.call_routes import RoutedCall
from transceiver.call_table import CallTable
from transceiver.dtls import DtlsCertificate
from transceiver.leased_door import LeasedDoor, leased_door
from transceiver.relay_paths import RelayPaths
from transceiver.reoffer_limit import ReofferLimit
from transceiver.response_rate import SpendRequest
from transceiver.sdp.offer_answer import LocalMedia, OfferAnswer, OfferedMedia
from transceiver.sip_call import SipCall, SipMedia
from transceiver.tunnel_endpoint import TunnelEndpoint


@dataclass(frozen=True, slots=True)
class SipPeer:
    """How the other end of a call is to be met."""

    offered: OfferedMedia = field(default_factory=OfferedMedia)
    """What an offer of ours to it has."""
    leased_from: str | None = None
    """Behind NAT: the host that it comes from, for which a port is to be leased."""
    authenticates: bool = False
    """Whether its media proves whose it is, wherever it comes from."""


class SipCallMaker:
    """Its calls are in the worker's table from when their engine is asked for."""

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
    ) -> None:
        """`advertise` is the relay that peers are told to send to."""
        self._table = table
        self._mint = mint
        self._advertise = advertise
        self._certificate = certificate
        self._endpoint = endpoint
        self._environment = environment
        self._admission = admission
        self._encoder_policy = encoder_policy

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
        self._admission.check(self._environment.counters.open.total())
        door = await self._door(peer)
        paths = RelayPaths(self._endpoint)
        call = self._make(call_id, session, peer, door, paths, spend, greeting)
        routed = RoutedCall(call, paths, ReofferLimit(self._environment.clock()))
        call.on_agreed = partial(self._follow, call, routed)
        self._admission.admitted(self._environment.clock())
        self._table.open(routed)
        try:
            await self._admission.wait_taken(call)
        except BaseException as error:
            self._table.end(routed, why_unanswered(error))
            raise
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
        local = LocalMedia(
            address=self._public if door is None else door.address(self._public),
            fingerprint=self._certificate.fingerprint,
            mint=self._mint.short_credentials,
            random_bytes=secrets.token_bytes,
            ice=door is None,
        )
        call = SipCall(
            call_id,
            session=session,
            negotiation=OfferAnswer(local, peer.offered),
            media=SipMedia(paths.send) if door is None else door.media,
            certificate=self._certificate,
            encoder_policy=self._encoder_policy,
            environment=self._environment,
            spend=spend,
            greeting=greeting,
        )
        if door is not None:
            door.tenant = call
        return call

    @property
    def _public(self) -> Address:
        return self._advertise.host, self._advertise.port

    def _follow(self, call: SipCall, routed: RoutedCall) -> None:
        """Have relays and the media clock know what an offer and its answer agreed on."""
        agreed = call.agreed
        candidates = agreed.ice.candidates if agreed.ice else ()
        for address in (agreed.remote, agreed.remote_rtcp, *candidates):
            if address is not None:
                routed.paths.expect(address)
        routed.revision = -1
        self._table.update(routed, frame_ms=agreed.format.frame_ms)

    async def _door(self, peer: SipPeer) -> LeasedDoor | None:
        """A port of a relay, where the peer needs one and there is one."""
        if peer.leased_from is None:
            return None
        heard = None if peer.authenticates else peer.leased_from
        return await leased_door(self._endpoint.leases, heard, self._environment.clock())
