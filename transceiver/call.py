"""One WebRTC call: its transport, its sound, its conversation and its engine, joined."""

import logging
import secrets
from collections.abc import Callable

import msgspec

from antiphon_proto.address import Address
from antiphon_proto.demux import PacketKind
from antiphon_proto.realtime import RealtimeSession, encode_server_event
from antiphon_proto.stun import StunMessage
from antiphon_proto.trunk import (
    UNSOLICITED,
    Error,
    Event,
    Open,
    Ready,
    SpeechStarted,
    SpeechStopped,
)
from chassis.host_port import HostPort
from transceiver.audience import Audience
from transceiver.audio.encoder_policy import EncoderPolicy
from transceiver.audio.playout import PlayoutEvent
from transceiver.call_deadlines import CallDeadlines
from transceiver.call_media import CallMedia
from transceiver.close_reason import CloseReason
from transceiver.contained import contained
from transceiver.conversation import Conversation, Transport
from transceiver.conversation_outputs import (
    CLIENT,
    EVERYONE,
    AppendAudio,
    CloseCall,
    CutPlayout,
    FinishPlayout,
    HoldPlayout,
    Output,
    PlayAudio,
    ResumePlayout,
    RunMcp,
    SendEngineCommand,
    SendEvent,
    TurnMeasured,
)
from transceiver.counters import CallCounters
from transceiver.data_channel import ChannelEnd, DataChannel
from transceiver.dtls import DtlsCertificate, DtlsEndpoint
from transceiver.engine_leg import Replicas, Resumption
from transceiver.engine_link import EngineLink
from transceiver.ice import IceAgent, IceCredentials
from transceiver.ledger import LatencyLedger
from transceiver.mcp.requests import McpOpener, McpOutcome, ask_nobody
from transceiver.media_transport import MediaTransport, SendDatagram
from transceiver.metrics import TurnLatency
from transceiver.resumption.continuity import Continuity, TakenUp
from transceiver.resumption.conversation_record import ConversationRecord
from transceiver.sdp import AnswerParameters, Offer, build_answer
from transceiver.sdp.renegotiation import renegotiated
from transceiver.sideband import Sideband, SidebandHost

logger = logging.getLogger(__name__)

TEND_INTERVAL_S = 0.1
"""Resolution of connectivity checks, retransmissions, reports and deadlines in a call that runs."""


class Call:
    """Runs one call from its offer to its end.

    Everything that reaches it does so on the worker's event loop: the client's
    datagrams by `receive`, the time by `serve`, the engine's output by `engine_*`.
    `clock` is monotonic; `unix_time` is the time at the call's start.
    """

    def __init__(
        self,
        call_id: str,
        *,
        offer: Offer,
        session: RealtimeSession,
        ice: IceCredentials,
        certificate: DtlsCertificate,
        replicas: Replicas,
        encoder_policy: EncoderPolicy,
        send: SendDatagram,
        counters: CallCounters,
        turn_latency: TurnLatency,
        clock: Callable[[], float],
        unix_time: float,
        max_seconds: int,
        max_idle_seconds: int,
        mcp: McpOpener = ask_nobody,
        continuity: Continuity | None = None,
    ) -> None:
        self.call_id = call_id
        self._continuity = continuity
        self.closed: CloseReason | None = None
        self._first_offer = self._offer = offer
        self._session_id = secrets.randbits(62)
        self._answers = 0
        self._certificate = certificate
        self._counters = counters
        self._turn_latency = turn_latency
        self._clock = clock
        now = clock()
        self._mcp = mcp(self.mcp_outcome)
        self._deadlines = CallDeadlines(now, max_s=max_seconds, idle_s=max_idle_seconds)
        self.transport = MediaTransport(
            IceAgent(
                ice,
                offer.ice,
                random_bytes=secrets.token_bytes,
                rejections=counters.ice_rejections,
            ),
            DtlsEndpoint(certificate, offer.fingerprints, client=offer.dtls_client),
            listener=self,
            send=send,
            drops=counters.drops,
            sources=offer.ssrcs,
        )
        self._data_channel = self._make_data_channel(offer)
        self._audience = Audience()
        self._ledger = LatencyLedger()
        self._conversation = Conversation(
            msgspec.structs.replace(session, expires_at=int(unix_time) + max_seconds),
            call_id=call_id,
            transport=Transport.WEBRTC,
            new_id=lambda prefix: f"{prefix}_{secrets.token_urlsafe(12)}",
            heard_ms=lambda response: self._media.played_ms(response),
            rtt_s=self._rtt_s,
            ledger=self._ledger,
            continuity=continuity,
        )
        self._engine = EngineLink(replicas, self, clock=clock, counters=counters.hand_offs)
        self._media = CallMedia(
            offer.format,
            engine=self._engine,
            ledger=self._ledger,
            heard=self._conversation.input_audio,
            encoder_policy=encoder_policy,
            counters=counters,
            unix_epoch=unix_time - now,
        )
        self._media.audible = offer.direction.mirrored.sends
        self._tend_at = now
        self._act(self._conversation.open())

    async def engine_opened(self) -> Ready | Error:
        """Wait for the engine's answer: before Ready, nothing that the client says is heard."""
        return await self._engine.opened()

    def answer(self, advertise: HostPort) -> str:
        """The SDP answer to the latest offer; its one candidate is the relay at `advertise`."""
        self._answers += 1
        return build_answer(
            self._offer,
            AnswerParameters(
                ice=self.transport.ice.local,
                host=advertise.host,
                port=advertise.port,
                fingerprint=self._certificate.fingerprint,
                ssrc=self._media.ssrc,
                cname=self._media.cname,
                session_id=self._session_id,
                session_version=self._answers,
            ),
        )

    def renegotiate(self, offer: Offer, mint: Callable[[], IceCredentials]) -> None:
        """Follow another offer of the client, which `answer` then answers.

        Its ICE may restart, for which `mint` makes our credentials. Raises OfferError for an
        offer that cannot be followed; nothing has changed then.
        """
        self._offer = renegotiated(self._first_offer, offer)
        self._media.audible = offer.direction.mirrored.sends
        self.transport.ice.negotiate(offer.ice, mint, self._clock())
        self.transport.name_sources(offer.ssrcs)

    def receive(self, kind: PacketKind, datagram: bytes, client: Address, now: float) -> None:
        """Take a datagram, other than STUN, from an address that the call knows."""
        # Contained by itself, as all that runs 50 times a second is: the wrapper costs more.
        if self.closed is None:
            try:
                self.transport.receive(kind, datagram, client, now)
            except Exception:  # noqa: BLE001
                self.fail()

    @contained
    def receive_stun(self, message: StunMessage, size: int, client: Address, now: float) -> None:
        """Take the STUN message of a datagram of `size` bytes."""
        self.transport.receive_stun(message, size, client, now)

    @contained
    def receive_roaming(
        self, kind: PacketKind, datagram: bytes, client: Address, now: float
    ) -> bool:
        """Take RTP or RTCP from an unknown address; whether it is this call's client's."""
        return self.transport.receive_roaming(kind, datagram, client, now)

    def serve(self, due: float, now: float) -> None:
        """Send the frame that is due at `due`, and do all else that time asks for.

        Call it once in every frame time of the media clock.
        """
        if self.closed is None:
            try:
                self._serve(due, now)
            except Exception:  # noqa: BLE001
                self.fail()

    def _serve(self, due: float, now: float) -> None:
        if now >= self._tend_at:
            self._tend(now)
        if self.closed is not None or not self.transport.connected:
            return
        packet = self._media.serve(due, now)
        if packet is not None:
            self._deadlines.active(now)
            self._counters.frames_out += 1
            self.transport.send_rtp(packet)
        for event in self._media.take_events():
            self._playout_event(event, now)

    def _tend(self, now: float) -> None:
        """Do what time asks for less often than for frames; often only while connecting."""
        self.transport.tick(now)
        self._check_deadlines(now)
        self._engine.tick(now)
        if self.closed is None:
            self._act(self._conversation.tick(now))
        if self.transport.connected:
            self._tend_at = now + TEND_INTERVAL_S
            for report in self._media.reports(now):
                self.transport.send_rtcp(report)

    def fail(self) -> None:
        """End the call for the defect that is being handled: no other call has met it."""
        logger.exception("call %s failed", self.call_id)
        self.close(CloseReason.INTERNAL_ERROR)

    def close(self, reason: CloseReason) -> None:
        """End the call; harmless when it has ended."""
        if self.closed is not None:
            return
        self.closed = reason
        self._counters.closed[reason] += 1
        self._act(self._conversation.closing(reason))
        self._engine.close(reason.value)
        self._mcp.close()
        if self._data_channel is not None:
            self._data_channel.close()
        self._audience.close(reason)
        self.transport.close(self._clock())
        logger.info("call %s closed: %s", self.call_id, reason.value)

    def release(self) -> None:
        """Let go of the parts that know the call in turn, so that all memory is free at once.

        Nobody may call it any more, but for `close`.
        """
        self._data_channel = None
        del self.transport, self._media, self._conversation, self._engine

    # ---- the client's side: TransportListener and DataChannelListener ----

    def transport_connected(self, _now: float) -> None:
        if self._data_channel is not None:
            self._data_channel.start()

    def rtp_received(self, packet: bytes, now: float) -> None:
        self._media.receive_rtp(packet, now)

    def rtcp_received(self, packet: bytes, now: float) -> None:
        self._media.receive_rtcp(packet, now)

    def data_received(self, record: bytes, _now: float) -> None:
        if self._data_channel is not None:
            self._data_channel.receive(record)

    def transport_closed(self, _now: float) -> None:
        connected = self.transport.connected
        self.close(CloseReason.DTLS_CLOSED if connected else CloseReason.DTLS_FAILED)

    @contained
    def channel_opened(self) -> None:
        self._act(self._conversation.channel_opened(self._clock()))
        if self._continuity is not None:
            for event_id, event in self._continuity.to_repeat:
                self._send(event_id, event, CLIENT)

    @contained
    def message_received(self, text: str) -> None:
        now = self._clock()
        self._deadlines.active(now)
        self._act(self._conversation.client_event(text, now))

    @contained
    def channel_closed(self, end: ChannelEnd) -> None:
        hung_up = end is ChannelEnd.PEER
        self.close(CloseReason.CLIENT_HANGUP if hung_up else CloseReason.CHANNEL_BROKEN)

    # ---- for a client that is lost: LiveSession ----

    @property
    def session_id(self) -> str:
        return self._conversation.record.session_id

    @property
    def record(self) -> ConversationRecord:
        """What is to be written down of it."""
        return self._conversation.record

    @property
    def generation(self) -> int:
        return self._continuity.generation if self._continuity is not None else 0

    def take(self, last_event_id: str | None) -> TakenUp:
        """End the call here, if it has not ended; its conversation goes on with this."""
        self._act(self._conversation.leaving())
        missed = self._continuity.returned(last_event_id) if self._continuity is not None else None
        snapshot = self.record.snapshot()
        self.close(CloseReason.RESUMED)
        return TakenUp(snapshot, missed, self.generation)

    # ---- applications beside the client ----

    def sideband(self) -> Sideband:
        """One more, to be started or closed. Raises AudienceFullError."""
        host = SidebandHost(self._sideband_joined, self._sideband_sent, self._audience.remove)
        return self._audience.admit(host)

    @contained
    def _sideband_joined(self, number: int) -> None:
        self._act(self._conversation.sideband_joined(number))

    @contained
    def _sideband_sent(self, number: int, message: bytes) -> None:
        now = self._clock()
        self._deadlines.active(now)
        self._act(self._conversation.client_event(message, now, number))

    # ---- the engine's side: EngineHost ----

    def engine_audio(self, response: int, _offset: int, pcm: bytes) -> None:
        if self.closed is not None:
            return
        try:
            if response == UNSOLICITED:
                self._media.push(response, pcm)
            else:
                self._act(self._conversation.engine_audio(response, pcm, self._clock()))
        except Exception:  # noqa: BLE001
            self.fail()

    @contained
    def engine_event(self, event: Event) -> None:
        now = self._clock()
        if isinstance(event, SpeechStarted | SpeechStopped):
            self._deadlines.user_speaks(now, speaking=isinstance(event, SpeechStarted))
        elif isinstance(event, Ready):
            self._media.start(event)
        self._act(self._conversation.engine_event(event, now))

    @contained
    def mcp_outcome(self, outcome: McpOutcome) -> None:
        """Take what came of a request to an MCP server."""
        self._act(self._conversation.mcp_outcome(outcome))

    def engine_opening(self) -> Open:
        return self._conversation.engine_opening()

    def engine_resumptions(self) -> tuple[Resumption, ...]:
        resumptions, outputs = self._conversation.engine_resumptions()
        self._act(outputs)
        return resumptions

    def engine_pauses(self) -> bool:
        return self._conversation.engine_pauses

    # ---- joints ----

    def _act(self, outputs: list[Output]) -> None:
        for output in outputs:
            self._act_on(output)

    def _act_on(self, output: Output) -> None:
        match output:
            case SendEvent(event, to):
                self._send(event.event_id, encode_server_event(event), to)
            case SendEngineCommand(command):
                self._engine.command(command)
            case PlayAudio(response, pcm):
                self._media.push(response, pcm)
            case FinishPlayout(response):
                self._media.finish(response)
            case CutPlayout():
                self._media.cut()
            case HoldPlayout():
                self._media.hold()
            case ResumePlayout(again_ms):
                self._media.resume(again_ms)
            case RunMcp(request):
                self._mcp.run(request)
            case TurnMeasured(account):
                self._turn_latency.observe(account)
            case CloseCall(reason):
                self.close(reason)
            case AppendAudio():
                pass  # The client's audio is on its RTP track.

    def _send(self, event_id: str, event: bytes, to: int) -> None:
        if to in (CLIENT, EVERYONE):
            if self._continuity is not None:
                self._continuity.sent(event_id, event, self._clock())
            if self._data_channel is not None:
                self._data_channel.send(event.decode())
        self._audience.hear(event, to)

    def _playout_event(self, event: PlayoutEvent, now: float) -> None:
        if event.response != UNSOLICITED:
            self._act(self._conversation.playout_event(event, now))

    def _check_deadlines(self, now: float) -> None:
        passed = self._deadlines.passed(now, connected=self.transport.connected)
        if passed is not None:
            self.close(passed)
        elif self.transport.ice.consent_lost(now):
            self.close(CloseReason.CONSENT_LOST)

    def _rtt_s(self) -> float | None:
        rtt = self._media.rtt
        return self.transport.ice.rtt if rtt is None else rtt

    def _make_data_channel(self, offer: Offer) -> DataChannel | None:
        if offer.data is None:
            return None
        return DataChannel(
            self,
            lambda packet: self.transport.send_data(packet, self._clock()),
            client=offer.dtls_client,
            remote_port=offer.sctp_port,
            max_message_bytes=offer.max_message_bytes,
        )
