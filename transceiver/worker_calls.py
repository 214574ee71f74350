"""The calls of one worker, put together; to signaling they are its `CallFactory`."""

from collections.abc import Callable

from antiphon_proto.cluster_keys import ClusterKeys
from transceiver.admission import Admission
from transceiver.announcer import Announcer
from transceiver.audio.encoder_policy import EncoderPolicy
from transceiver.call_environment import CallEnvironment
from transceiver.call_mint import CallMint
from transceiver.call_table import CallTable
from transceiver.config import TransceiverConfig
from transceiver.dtls import DtlsCertificate
from transceiver.resumption.continuity import Continuities
from transceiver.resumption.live_sessions import LiveSessions
from transceiver.rtp_call_parts import RtpCallParts
from transceiver.sideband import Sideband
from transceiver.signaling.key_usage import KeyUsage
from transceiver.sip.access import CurrentAccess
from transceiver.sip_calls.call_maker import SipCallMaker
from transceiver.sip_calls.incoming_calls import IncomingCalls, Spawn
from transceiver.sip_calls.outgoing_calls import OutgoingCalls
from transceiver.transport import Transport
from transceiver.tunnel_endpoint import TunnelEndpoint
from transceiver.webhooks.announcement import CallAnnouncer
from transceiver.webrtc_calls import WebRtcCalls


class WorkerCalls:
    """Whatever the calls came by."""

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
        usage: KeyUsage,
        access: CurrentAccess,
        webhook: Callable[[str, bytes], None] | None,
        spawn: Spawn,
        flush: Callable[[], None],
        continuities: Continuities | None = None,
        live: LiveSessions | None = None,
    ) -> None:
        """`incarnation` (0..255) is minted into every ufrag; `webhook` posts an event by its id
        and body; `spawn` and `flush` are as for `IncomingCalls`."""
        self.table = CallTable(announcer, environment, live)
        self.mint = CallMint(
            keys,
            endpoint.address,
            cluster_id=config.cluster_id,
            incarnation=incarnation,
            max_call_seconds=config.max_call_seconds,
            unix_time=environment.unix_time,
            taken=self.table.has_ufrag,
        )
        parts = RtpCallParts(
            table=self.table,
            mint=self.mint,
            advertise=config.advertise,
            certificate=DtlsCertificate(),
            endpoint=endpoint,
            environment=environment,
            admission=admission,
            encoder_policy=encoder_policy,
        )
        self.webrtc = WebRtcCalls(parts, continuities)
        maker = SipCallMaker(parts)
        self.sip = IncomingCalls(
            parts,
            maker,
            access=access,
            usage=usage,
            announcer=CallAnnouncer(webhook, environment.unix_time) if webhook else None,
            spawn=spawn,
            flush=flush,
        )
        self.outgoing = OutgoingCalls(
            parts,
            maker,
            access=access,
            usage=usage,
            payer=self.sip.payer,
            flush=flush,
        )
        self.place_call = self.outgoing.place_call
        self.create_call = self.webrtc.create_call
        self.renegotiate = self.webrtc.renegotiate
        self.accept = self.sip.accept
        self.reject = self.sip.reject
        self.refer = self.sip.refer

    def __contains__(self, call_id: str) -> bool:
        return call_id in self.table or call_id in self.sip

    def creator(self, call_id: str) -> bytes | None:
        """Of the client secret that made the call, if one did. Raises CallNotFoundError."""
        if call_id in self.sip or call_id in self.outgoing.failed:
            return None
        return self.table.creator(call_id)

    def sideband(self, call_id: str) -> Sideband:
        """One more connection to a call, or to what is left of one that was not taken.

        Raises CallNotFoundError, AudienceFullError.
        """
        if call_id in self.outgoing.failed:
            return self.outgoing.failed.sideband(call_id)
        return self.table.sideband(call_id)

    def hang_up(self, call_id: str) -> None:
        """End a call, or refuse it if it rings. Raises CallNotFoundError."""
        if call_id in self.sip:
            self.sip.hang_up(call_id)
        else:
            self.table.hang_up(call_id)

    def use_keys(self, keys: ClusterKeys) -> None:
        self.mint.use_keys(keys)

    def close_sip(self) -> None:
        """End those by SIP."""
        self.sip.close_all()
        self.table.close_all(Transport.SIP)

    def close_all(self) -> None:
        self.table.close_all()
