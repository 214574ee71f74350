"""One WebRTC call: its transport, its sound, its conversation and its engine, joined."""

import functools
import logging
import random
import secrets
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

import msgspec

from antiphon_proto.address import Address
from antiphon_proto.demux import PacketKind
from antiphon_proto.realtime import RealtimeSession, encode_server_event
from antiphon_proto.stun import StunMessage
from antiphon_proto.trunk import UNSOLICITED, Error, Event, Ready, SpeechStarted, SpeechStopped
from chassis.host_port import HostPort
from transceiver.audio.encoder_policy import EncoderPolicy
from transceiver.audio.playout import PlayoutEvent
from transceiver.audio.receiver import AudioFrame
from transceiver.call_audio import CallAudio
from transceiver.call_deadlines import CallDeadlines
from transceiver.close_reason import CloseReason
from transceiver.conversation import Conversation, Transport
from transceiver.conversation_outputs import (
    AppendAudio,
    CloseCall,
    CutPlayout,
    FinishPlayout,
    Output,
    PlayAudio,
    SendEngineCommand,
    SendEvent,
    TurnMeasured,
)
from transceiver.counters import CallCounters
from transceiver.data_channel import ChannelEnd, DataChannel
from transceiver.drop_reason import DropReason
from transceiver.dtls import DtlsCertificate, DtlsEndpoint
from transceiver.ice import IceAgent, IceCredentials
from transceiver.inference_client import InferenceClient
from transceiver.ledger import LatencyLedger
from transceiver.media_transport import MediaTransport, SendDatagram
from transceiver.metrics import TurnLatency
from transceiver.playback_credit import PlaybackCreditor
from transceiver.rtp.packet import RtpError, RtpPacket
from transceiver.rtp.reports import RtcpSession
from transceiver.rtp.rtcp import RtcpError
from transceiver.rtp.sender import RtpSender
from transceiver.rtp.transport_feedback import TransportFeedback
from transceiver.sdp import AnswerParameters, Offer, build_answer
from transceiver.sdp.renegotiation import renegotiated

logger = logging.getLogger(__name__)

NTP_UNIX_S = 2_208_988_800
"""Seconds from NTP's epoch, 1900, to Unix's: https://www.rfc-editor.org/rfc/rfc5905#section-6"""

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def contained(
    method: Callable[Concatenate["Call", Arguments], Result],
) -> Callable[Concatenate["Call", Arguments], Result | None]:
    """A defect met in one call ends that call and no other; None from a call that ended."""

    @functools.wraps(method)
    def run(call: "Call", /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result | None:
        if call.closed is not None:
            return None
        try:
            return method(call, *args, **kwargs)
        except Exception:
            logger.exception("call %s failed", call.call_id)
            call.close(CloseReason.INTERNAL_ERROR)
            return None

    return run


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
        inference: InferenceClient,
        encoder_policy: EncoderPolicy,
        send: SendDatagram,
        counters: CallCounters,
        turn_latency: TurnLatency,
        clock: Callable[[], float],
        unix_time: float,
        max_seconds: int,
        max_idle_seconds: int,
    ) -> None:
        self.call_id = call_id
        self.closed: CloseReason | None = None
        self._first_offer = self._offer = offer
        self._plays = offer.direction.mirrored.sends
        self._session_id = secrets.randbits(62)
        self._answers = 0
        self._certificate = certificate
        self._encoder_policy = encoder_policy
        self._counters = counters
        self._turn_latency = turn_latency
        self._clock = clock
        now = clock()
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
        self._sender = RtpSender(
            payload_type=offer.format.payload_type,
            ssrc=secrets.randbits(32),
            sequence=secrets.randbits(15),
            timestamp=secrets.randbits(32),
            clock_rate=offer.format.codec.clock_rate,
            frame_ms=offer.format.frame_ms,
            red_payload_type=offer.format.red_payload_type,
        )
        sequence_id = offer.format.extensions.transport_sequence
        self._feedback = (
            None if sequence_id is None else TransportFeedback(self._sender.ssrc, sequence_id)
        )
        self._cname = secrets.token_urlsafe(12)
        self._rtcp = RtcpSession(
            self._sender,
            cname=self._cname,
            epoch_s=NTP_UNIX_S + unix_time - now,
            random=random.random,
        )
        self._audio: CallAudio | None = None
        self._data_channel = self._make_data_channel(offer)
        self._ledger = LatencyLedger()
        self._conversation = Conversation(
            msgspec.structs.replace(session, expires_at=int(unix_time) + max_seconds),
            call_id=call_id,
            transport=Transport.WEBRTC,
            new_id=lambda prefix: f"{prefix}_{secrets.token_urlsafe(12)}",
            heard_ms=self._heard_ms,
            rtt_s=self._rtt_s,
            ledger=self._ledger,
        )
        self._engine = inference.open(self)
        self._credit = PlaybackCreditor()
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
                ssrc=self._sender.ssrc,
                cname=self._cname,
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
        self._plays = offer.direction.mirrored.sends
        self.transport.ice.negotiate(offer.ice, mint, self._clock())
        self.transport.name_sources(offer.ssrcs)

    @contained
    def receive(self, kind: PacketKind, datagram: bytes, client: Address, now: float) -> None:
        """Take a datagram, other than STUN, from an address that the call knows."""
        self.transport.receive(kind, datagram, client, now)

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

    @contained
    def serve(self, due: float, now: float) -> None:
        """Send the frame that is due at `due`, and do all else that time asks for.

        Call it once in every frame time of the media clock.
        """
        self.transport.tick(now)
        self._check_deadlines(now)
        if self.closed is not None or self._audio is None or not self.transport.connected:
            return
        self._forward(self._audio.tick(now), now)
        self._play(self._audio, due, now)
        report = self._rtcp.tick(now)
        if report is not None:
            self.transport.send_rtcp(report)
        if self._feedback is not None:
            feedback = self._feedback.due(now)
            if feedback is not None:
                self.transport.send_rtcp(feedback)

    def close(self, reason: CloseReason) -> None:
        """End the call; harmless when it has ended."""
        if self.closed is not None:
            return
        self.closed = reason
        self._counters.closed[reason] += 1
        self._act(self._conversation.closing(reason))
        self._engine.close(reason.value)
        if self._data_channel is not None:
            self._data_channel.close()
        self.transport.close(self._clock())
        logger.info("call %s closed: %s", self.call_id, reason.value)

    def release(self) -> None:
        """Let go of the parts that know the call in turn, so that all memory is free at once.

        Nobody may call it any more, but for `close`.
        """
        self._data_channel = None
        del self.transport, self._conversation

    # ---- the client's side: TransportListener and DataChannelListener ----

    def transport_connected(self, _now: float) -> None:
        if self._data_channel is not None:
            self._data_channel.start()

    def rtp_received(self, packet: bytes, now: float) -> None:
        try:
            parsed = RtpPacket.parse(packet)
        except RtpError:
            self._counters.drops[DropReason.RTP_MALFORMED] += 1
            return
        self._rtcp.receive_rtp(parsed, now)
        if self._feedback is not None:
            self._feedback.receive(parsed, now)
        if self._audio is None:
            self._counters.drops[DropReason.ENGINE_NOT_READY] += 1
            return
        self._forward(self._audio.receive(parsed, now), now)

    def rtcp_received(self, packet: bytes, now: float) -> None:
        try:
            report = self._rtcp.receive(packet, now)
        except RtcpError:
            self._counters.drops[DropReason.RTCP_MALFORMED] += 1
            return
        if report is not None and self._audio is not None:
            self._audio.take_report(report, now)

    def data_received(self, record: bytes, _now: float) -> None:
        if self._data_channel is not None:
            self._data_channel.receive(record)

    def transport_closed(self, _now: float) -> None:
        connected = self.transport.connected
        self.close(CloseReason.DTLS_CLOSED if connected else CloseReason.DTLS_FAILED)

    @contained
    def channel_opened(self) -> None:
        self._act(self._conversation.channel_opened(self._clock()))

    @contained
    def message_received(self, text: str) -> None:
        now = self._clock()
        self._deadlines.active(now)
        self._act(self._conversation.client_event(text, now))

    @contained
    def channel_closed(self, end: ChannelEnd) -> None:
        hung_up = end is ChannelEnd.PEER
        self.close(CloseReason.CLIENT_HANGUP if hung_up else CloseReason.CHANNEL_BROKEN)

    # ---- the engine's side: EngineListener ----

    @contained
    def engine_audio(self, response: int, _offset: int, pcm: bytes) -> None:
        if response == UNSOLICITED:
            self._queue(response, pcm)
        else:
            self._act(self._conversation.engine_audio(response, pcm, self._clock()))

    @contained
    def engine_event(self, event: Event) -> None:
        now = self._clock()
        if isinstance(event, SpeechStarted | SpeechStopped):
            self._deadlines.user_speaks(now, speaking=isinstance(event, SpeechStarted))
        elif isinstance(event, Ready):
            self._audio = CallAudio(
                self._offer.format,
                input_rate=event.input_rate,
                output_rate=event.output_rate,
                sender=self._sender,
                encoder_policy=self._encoder_policy,
                counts=self._counters.audio,
                downlink_counts=self._counters.downlink,
            )
        self._act(self._conversation.engine_event(event, now))

    @contained
    def engine_lost(self) -> None:
        lost = Error("engine_lost", "The inference replica was lost.", fatal=True)
        self._act(self._conversation.engine_event(lost, self._clock()))

    # ---- joints ----

    def _act(self, outputs: list[Output]) -> None:
        for output in outputs:
            self._act_on(output)

    def _act_on(self, output: Output) -> None:
        match output:
            case SendEvent(event):
                if self._data_channel is not None:
                    self._data_channel.send(encode_server_event(event).decode())
            case SendEngineCommand(command):
                self._engine.command(command)
            case PlayAudio(response, pcm):
                self._queue(response, pcm)
            case FinishPlayout(response) if self._audio is not None:
                self._audio.playout.finish(response)
            case CutPlayout() if self._audio is not None:
                self._audio.playout.cut()
            case TurnMeasured(account):
                self._turn_latency.observe(account)
            case CloseCall(reason):
                self.close(reason)
            case AppendAudio() | FinishPlayout() | CutPlayout():
                pass  # The client's audio is on its RTP track; and without audio nothing plays.

    def _queue(self, response: int, pcm: bytes) -> None:
        if self._audio is not None:
            self._audio.playout.push(response, pcm)

    def _forward(self, frames: list[AudioFrame], now: float) -> None:
        """Hand the client's frames to the engine, and their times to the ledger."""
        if self._audio is None:
            return
        for frame in frames:
            self._counters.frames_in += 1
            self._engine.push_audio(frame.position, frame.pcm)
            self._conversation.input_audio(self._audio.duration_ms(frame))
            self._ledger.frame_forwarded(self._audio.position_ms(frame), frame.waited_s, now)

    def _play(self, audio: CallAudio, due: float, now: float) -> None:
        packet = audio.next_packet(due, audible=self._plays)
        if packet is not None:
            self._deadlines.active(now)
            self._counters.frames_out += 1
            self.transport.send_rtp(packet)
        for event in audio.playout.take_events():
            self._playout_event(event, now)
        credit = self._credit.due(audio.playout)
        if credit is not None:
            self._engine.command(credit)

    def _playout_event(self, event: PlayoutEvent, now: float) -> None:
        if event.response != UNSOLICITED:
            self._act(self._conversation.playout_event(event, now))

    def _check_deadlines(self, now: float) -> None:
        passed = self._deadlines.passed(now, connected=self.transport.connected)
        if passed is not None:
            self.close(passed)
        elif self.transport.ice.consent_lost(now):
            self.close(CloseReason.CONSENT_LOST)

    def _heard_ms(self, response: int) -> int:
        return self._audio.playout.played_ms(response) if self._audio is not None else 0

    def _rtt_s(self) -> float | None:
        return self._rtcp.rtt if self._rtcp.rtt is not None else self.transport.ice.rtt

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
