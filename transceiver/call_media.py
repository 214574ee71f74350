"""A call's sound both ways, between its transport and its engine, and the reports on it."""

import random
import secrets
from collections.abc import Callable
from typing import Protocol

from antiphon_proto.audio_block import BYTES_PER_SAMPLE
from antiphon_proto.trunk import Command, Ready
from transceiver.audio.encoder_policy import EncoderPolicy
from transceiver.audio.format import AudioFormat
from transceiver.audio.playout import PlayoutEvent
from transceiver.audio.receiver import AudioFrame
from transceiver.call_audio import CallAudio
from transceiver.conversation_outputs import (
    CutPlayout,
    FinishPlayout,
    HoldPlayout,
    PlayAudio,
    PlayoutCommand,
    ResumePlayout,
)
from transceiver.counters import CallCounters
from transceiver.drop_reason import DropReason
from transceiver.ledger import LatencyLedger
from transceiver.playback_credit import PlaybackCreditor
from transceiver.rtp.packet import RtpError, RtpPacket
from transceiver.rtp.reports import RtcpSession
from transceiver.rtp.rtcp import RtcpError
from transceiver.rtp.sender import RtpSender
from transceiver.rtp.telephone_event import TelephoneEvents
from transceiver.rtp.transport_feedback import TransportFeedback

_NTP_UNIX_S = 2_208_988_800
"""Seconds from NTP's epoch, 1900, to Unix's: https://www.rfc-editor.org/rfc/rfc5905#section-6"""


class EngineInput(Protocol):
    """Where the client's sound goes."""

    def push_audio(self, position: int, pcm: bytes) -> None: ...

    def command(self, command: Command) -> None: ...


class CallMedia:
    """Everything here runs 50 times a second in every call, and holds to straight lines.

    Without the engine's rates, which `start` tells, nothing is heard and nothing plays.
    """

    def __init__(
        self,
        audio_format: AudioFormat,
        *,
        engine: EngineInput,
        ledger: LatencyLedger,
        heard: Callable[[float], None],
        encoder_policy: EncoderPolicy,
        counters: CallCounters,
        unix_epoch: float,
        pressed: Callable[[str], None] | None = None,
    ) -> None:
        """`heard` takes the milliseconds of each frame that went to the engine; `pressed` a key
        of a telephone.

        `unix_epoch` is the Unix time at which the call's clock was zero.
        """
        self._format = audio_format
        self._engine = engine
        self._ledger = ledger
        self._heard = heard
        self._pressed = pressed
        self._keys = TelephoneEvents()
        self._encoder_policy = encoder_policy
        self._counters = counters
        self._epoch_s = _NTP_UNIX_S + unix_epoch
        self.cname = secrets.token_urlsafe(12)
        self._begin_streams()
        self._credit = PlaybackCreditor()
        self._audio: CallAudio | None = None
        self._ms_per_byte = 0.0
        self.audible = True
        """Whether the client takes the agent's voice: otherwise it is played to nobody."""

    def _begin_streams(self) -> None:
        """Both ways, in the format of now."""
        audio_format = self._format
        self._sender = RtpSender(
            payload_type=audio_format.payload_type,
            ssrc=secrets.randbits(32),
            sequence=secrets.randbits(15),
            timestamp=secrets.randbits(32),
            clock_rate=audio_format.codec.clock_rate,
            frame_ms=audio_format.frame_ms,
            red_payload_type=audio_format.red_payload_type,
        )
        sequence_id = audio_format.extensions.transport_sequence
        self._feedback = (
            None if sequence_id is None else TransportFeedback(self._sender.ssrc, sequence_id)
        )
        self._rtcp = RtcpSession(
            self._sender, cname=self.cname, epoch_s=self._epoch_s, random=random.random
        )

    @property
    def ssrc(self) -> int:
        """Of the agent's voice."""
        return self._sender.ssrc

    @property
    def rtt(self) -> float | None:
        """Seconds from here to the client and back, by its latest report that tells."""
        return self._rtcp.rtt

    def start(self, ready: Ready) -> None:
        """The engine takes and gives PCM of these rates; one that takes over has the same."""
        if self._audio is not None:
            return
        self._ms_per_byte = 1000 / ready.input_rate / BYTES_PER_SAMPLE
        self._audio = CallAudio(
            self._format,
            input_rate=ready.input_rate,
            output_rate=ready.output_rate,
            sender=self._sender,
            encoder_policy=self._encoder_policy,
            counts=self._counters.audio,
            downlink_counts=self._counters.downlink,
        )

    def change_format(self, audio_format: AudioFormat) -> None:
        """Go on in another format, by a new stream: what is queued to be played still is."""
        if audio_format == self._format:
            return
        self._format = audio_format
        self._begin_streams()
        if self._audio is not None:
            self._audio.change_format(audio_format, self._sender)

    # ---- the client's voice ----

    def receive_rtp(self, packet: bytes, now: float) -> None:
        """Take an authentic RTP packet; one that cannot be used is counted."""
        try:
            parsed = RtpPacket.parse(packet)
        except RtpError:
            self._counters.drops[DropReason.RTP_MALFORMED] += 1
            return
        pressed = parsed.payload_type == self._format.telephone_event_payload_type
        # All packets of a press have the timestamp of its beginning.
        self._rtcp.receive_rtp(parsed, now, timed=not pressed)
        if self._feedback is not None:
            self._feedback.receive(parsed, now)
        if pressed:
            self._press(parsed)
        if self._audio is None:
            self._counters.drops[DropReason.ENGINE_NOT_READY] += 1
            return
        for frame in self._audio.receive(parsed, now):
            self._forward(frame, self._audio, now)

    def _press(self, packet: RtpPacket) -> None:
        key = self._keys.receive(packet)
        if key is not None and self._pressed is not None:
            self._pressed(key)

    def receive_rtcp(self, packet: bytes, now: float) -> None:
        """Take an authentic compound RTCP packet; one that cannot be used is counted."""
        try:
            report = self._rtcp.receive(packet, now)
        except RtcpError:
            self._counters.drops[DropReason.RTCP_MALFORMED] += 1
            return
        if report is not None and self._audio is not None:
            self._audio.take_report(report, now)

    def _forward(self, frame: AudioFrame, audio: CallAudio, now: float) -> None:
        """Hand a frame to the engine, and its times to the ledger."""
        pcm = frame.pcm
        self._counters.frames_in += 1
        self._engine.push_audio(frame.position, pcm)
        self._heard(len(pcm) * self._ms_per_byte)
        position_ms = frame.position * 1000 // audio.input_rate
        self._ledger.frame_forwarded(position_ms, frame.waited_s, now)

    # ---- the agent's voice ----

    def play(self, command: PlayoutCommand) -> None:
        """Do what the conversation wants done to the playout."""
        if self._audio is None:
            return
        playout = self._audio.playout
        match command:
            case PlayAudio(response, pcm):
                playout.push(response, pcm)
            case FinishPlayout(response):
                playout.finish(response)
            case CutPlayout():
                playout.cut()
            case HoldPlayout():
                playout.hold()
            case ResumePlayout(again_ms):
                playout.resume(again_ms)

    def played_ms(self, response: int) -> int:
        """How much of a response was sent to the client."""
        return self._audio.playout.played_ms(response) if self._audio is not None else 0

    # ---- time ----

    def serve(self, due: float, now: float) -> bytes | None:
        """Let time pass for both voices; the RTP packet of the frame that is due, if one is."""
        audio = self._audio
        if audio is None:
            return None
        for frame in audio.tick(now):
            self._forward(frame, audio, now)
        return audio.next_packet(due, audible=self.audible)

    @property
    def speaking(self) -> bool:
        """Whether the last packet was one of the agent's voice, and no noise of a pause."""
        return self._audio is not None and self._audio.speaking

    def take_events(self) -> list[PlayoutEvent]:
        """What the playout came by since the last call; and tell the engine how far it is."""
        audio = self._audio
        if audio is None:
            return []
        credit = self._credit.due(audio.playout)
        if credit is not None:
            self._engine.command(credit)
        return audio.playout.take_events()

    def reports(self, now: float) -> list[bytes]:
        """The RTCP packets that are due; call it ten times a second."""
        due = [self._rtcp.tick(now)]
        if self._feedback is not None:
            due.append(self._feedback.due(now))
        return [packet for packet in due if packet is not None]
