"""A call whose sound is on an RTP track: its media and its time, whatever signalled it."""

from collections.abc import Callable

from antiphon_proto.address import Address
from antiphon_proto.demux import PacketKind
from antiphon_proto.stun import StunMessage
from antiphon_proto.trunk import UNSOLICITED, Ready
from transceiver.audio.encoder_policy import EncoderPolicy
from transceiver.audio.format import AudioFormat
from transceiver.audio.playout import PlayoutEvent
from transceiver.call import Call
from transceiver.call_environment import CallEnvironment
from transceiver.call_media import CallMedia
from transceiver.close_reason import CloseReason
from transceiver.contained import contained
from transceiver.conversation_outputs import AppendAudio, PlayAudio, PlayoutCommand
from transceiver.media_transport import MediaTransport

TEND_INTERVAL_S = 0.1
"""Resolution of connectivity checks, retransmissions, reports and deadlines in a call that runs."""


class RtpCall(Call):
    """The client's datagrams reach it by `receive`, the time by `serve`.

    A subclass makes `transport`, whose listener it is, and `_media` before `_begin`.
    """

    transport: MediaTransport
    _media: CallMedia
    _tend_at = 0.0

    def _make_media(
        self,
        audio_format: AudioFormat,
        encoder_policy: EncoderPolicy,
        environment: CallEnvironment,
        pressed: Callable[[str], None] | None = None,
    ) -> CallMedia:
        return CallMedia(
            audio_format,
            engine=self._engine,
            ledger=self._ledger,
            heard=self._conversation.input_audio,
            encoder_policy=encoder_policy,
            counters=self._counters,
            unix_epoch=environment.unix_time() - self._clock(),
            pressed=pressed,
        )

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
            if self._media.speaking:
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
        del self.transport, self._media
        super().release()

    # ---- the client's side: TransportListener --------------------------------

    def transport_connected(self, _now: float) -> None:
        self._trace.connected()

    def rtp_received(self, packet: bytes, now: float) -> None:
        self._media.receive_rtp(packet, now)

    def rtcp_received(self, packet: bytes, now: float) -> None:
        self._media.receive_rtcp(packet, now)

    def data_received(self, _record: bytes, _now: float) -> None:
        """Nothing is expected, but for a subclass that has a data channel."""

    def transport_closed(self, _now: float) -> None:
        connected = self.transport.connected
        self.close(CloseReason.DTLS_CLOSED if connected else CloseReason.DTLS_FAILED)

    def _leave_client(self, _reason: CloseReason) -> None:
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
        elif self.transport.path.consent_lost(now):
            self.close(CloseReason.CONSENT_LOST)

    def _rtt_s(self) -> float | None:
        rtt = self._media.rtt
        return self.transport.path.rtt if rtt is None else rtt
