"""A call over WebRTC: its transport, and the sound both ways."""

import secrets
from collections.abc import Callable

from antiphon_proto.address import Address
from antiphon_proto.demux import PacketKind
from antiphon_proto.realtime import RealtimeSession
from antiphon_proto.stun import StunMessage
from antiphon_proto.trunk import UNSOLICITED, Ready
from chassis.host_port import HostPort
from transceiver.audio.encoder_policy import EncoderPolicy
from transceiver.audio.playout import PlayoutEvent
from transceiver.call import Call
from transceiver.call_environment import CallEnvironment
from transceiver.call_media import CallMedia
from transceiver.close_reason import CloseReason
from transceiver.contained import contained
from transceiver.conversation_outputs import AppendAudio, PlayAudio, PlayoutCommand
from transceiver.data_channel import ChannelEnd, DataChannel
from transceiver.dtls import DtlsCertificate, DtlsEndpoint
from transceiver.ice import IceAgent, IceCredentials
from transceiver.media_transport import MediaTransport, SendDatagram
from transceiver.resumption.continuity import Continuity
from transceiver.sdp import AnswerParameters, Offer, build_answer
from transceiver.sdp.renegotiation import renegotiated
from transceiver.transport import Transport

TEND_INTERVAL_S = 0.1
"""Resolution of connectivity checks, retransmissions, reports and deadlines in a call that runs."""


class WebRtcCall(Call):
    """Runs one call from its offer to its end.

    The client's datagrams reach it by `receive`, the time by `serve`.
    """

    TRANSPORT = Transport.WEBRTC

    def __init__(
        self,
        call_id: str,
        *,
        offer: Offer,
        session: RealtimeSession,
        ice: IceCredentials,
        certificate: DtlsCertificate,
        encoder_policy: EncoderPolicy,
        send: SendDatagram,
        environment: CallEnvironment,
        continuity: Continuity | None = None,
    ) -> None:
        super().__init__(call_id, session, environment, continuity)
        self._first_offer = self._offer = offer
        self._session_id = secrets.randbits(62)
        self._answers = 0
        self._certificate = certificate
        now = self._clock()
        self.transport = MediaTransport(
            IceAgent(
                ice,
                offer.ice,
                random_bytes=secrets.token_bytes,
                rejections=self._counters.ice_rejections,
            ),
            DtlsEndpoint(certificate, offer.fingerprints, client=offer.dtls_client),
            listener=self,
            send=send,
            drops=self._counters.drops,
            sources=offer.ssrcs,
        )
        self._data_channel = self._make_data_channel(offer)
        self._media = CallMedia(
            offer.format,
            engine=self._engine,
            ledger=self._ledger,
            heard=self._conversation.input_audio,
            encoder_policy=encoder_policy,
            counters=self._counters,
            unix_epoch=environment.unix_time() - now,
        )
        self._media.audible = offer.direction.mirrored.sends
        self._tend_at = now
        self._begin()

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

    def release(self) -> None:
        self._data_channel = None
        del self.transport, self._media
        super().release()

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
        self._repeat_missed()

    @contained
    def message_received(self, text: str) -> None:
        self._client_event(text)

    @contained
    def channel_closed(self, end: ChannelEnd) -> None:
        hung_up = end is ChannelEnd.PEER
        self.close(CloseReason.CLIENT_HANGUP if hung_up else CloseReason.CHANNEL_BROKEN)

    def _leave_client(self, _reason: CloseReason) -> None:
        if self._data_channel is not None:
            self._data_channel.close()
        self.transport.close(self._clock())

    # ---- the engine's side ---------------------------------------------------

    def engine_audio(self, response: int, _offset: int, pcm: bytes) -> None:
        if self.closed is not None:
            return
        try:
            if response == UNSOLICITED:
                self._media.play(PlayAudio(response, pcm))
            else:
                self._act(self._conversation.engine_audio(response, pcm, self._clock()))
        except Exception:  # noqa: BLE001
            self.fail()

    def _engine_ready(self, ready: Ready, _now: float) -> None:
        self._media.start(ready)

    # ---- what the conversation wants done ------------------------------------

    def _send_to_client(self, event: bytes) -> None:
        if self._data_channel is not None:
            self._data_channel.send(event.decode())

    def _play(self, command: PlayoutCommand) -> None:
        self._media.play(command)

    def _append(self, _audio: AppendAudio) -> None:
        """Events bring none: it is on the client's track."""

    def _heard_ms(self, response: int) -> int:
        return self._media.played_ms(response)

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
