"""What a telephone says and what it hears, once its call is up."""

import random
from dataclasses import dataclass

from loadtest.callers.answer_check import FLOOR_DB
from loadtest.callers.fault_gaps import FaultGaps
from loadtest.callers.rtcp_reports import Reports
from loadtest.callers.silence_watch import SilenceWatch
from loadtest.callers.sip.g711 import FRAME_SAMPLES, RATE, VOICE_DB, CodedSpeech, loudness_db
from loadtest.callers.sip.rtp_packet import RtpError, RtpPacket, is_rtcp
from loadtest.callers.sip.session_description import Codec
from loadtest.callers.stream_check import StreamCheck
from loadtest.callers.talk import Conversation
from loadtest.callers.turn_judge import TurnJudge
from loadtest.measures.measures import Measures
from loadtest.measures.names import Count, Latency

MOST_STREAMS = 16
"""Of one call: who has more of them makes them up."""
_HALF, _TIMESTAMPS = 1 << 31, 1 << 32


@dataclass(frozen=True, slots=True)
class Voice:
    """What a caller says."""

    codec: Codec
    coded: CodedSpeech
    loudness: tuple[tuple[float, ...], ...]
    """Of each utterance, for each frame."""


class Caller:
    """One call. Ask it for what to `say` every 20 ms, and give it each datagram that it
    `received`; those that an impairment took it has to be told of as `dropped`."""

    def __init__(
        self,
        voice: Voice,
        conversation: Conversation,
        judge: TurnJudge,
        silence: SilenceWatch,
        measures: Measures,
        chance: random.Random,
        *,
        gaps: FaultGaps | None,
        without_pause: bool,
        on_schedule_s: float,
        clock_offset_s: float,
    ) -> None:
        """`gaps` watches a call to an echo, in which something is always due; `without_pause` says
        that all frames are due, for none was lost on its way there. `clock_offset_s`: see
        `loadtest.callers.rtcp_reports.Reports`."""
        self._voice = voice
        self._conversation = conversation
        self._judge = judge
        self._silence = silence
        self._measures = measures
        self._gaps = gaps
        self._frame_ticks = FRAME_SAMPLES if without_pause else None
        self._on_schedule_s = on_schedule_s
        self._ssrc = chance.getrandbits(32)
        self._sequence = chance.getrandbits(16)
        self._timestamp = chance.getrandbits(32)
        self._streams: dict[int, _HeardStream] = {}
        self._last: _HeardStream | None = None
        """Of which the last packet came."""
        self._reports = Reports(self._ssrc, clock_offset_s)
        self._packets = self._octets = 0

    def say(self, now: float) -> bytes:
        """The packet of these 20 ms."""
        self._judge_turns()
        voice, spoken = self._voice, self._conversation.frame(now)
        payload, loudness = voice.coded.silence, FLOOR_DB
        if spoken is not None:
            payload = voice.coded.utterances[spoken.utterance][spoken.frame]
            loudness = voice.loudness[spoken.utterance][spoken.frame]
            self._silence.spoke(now)
        self._judge.said(now, loudness)
        self._sequence = self._sequence + 1 & 0xFFFF
        self._timestamp = self._timestamp + FRAME_SAMPLES & 0xFFFFFFFF
        self._packets += 1
        self._octets += len(payload)
        marker = spoken is not None and spoken.spurt
        packet = RtpPacket(
            voice.codec.value, self._sequence, self._timestamp, self._ssrc, payload, marker
        ).encode()
        self._measures.count(Count.FRAMES_SENT)
        self._measures.count(Count.BYTES_SENT, len(packet))
        return packet

    def received(self, datagram: bytes, arrived_at: float) -> None:
        """What is no RTP of our codec, or of too many sources, is counted as not authentic."""
        self._measures.count(Count.BYTES_RECEIVED, len(datagram))
        if is_rtcp(datagram):
            self._report(datagram, arrived_at)
            return
        packet = self._parse(datagram)
        if packet is None:
            self._measures.count(Count.FRAMES_UNAUTHENTICATED)
            return
        stream = self._streams.get(packet.ssrc)
        if stream is None:
            if len(self._streams) >= MOST_STREAMS:
                self._measures.count(Count.FRAMES_UNAUTHENTICATED)
                return
            check = StreamCheck(
                self._measures,
                clock_rate=RATE,
                on_schedule_s=self._on_schedule_s,
                frame_ticks=self._frame_ticks,
            )
            stream = _HeardStream(check, arrived_at, packet.timestamp)
            self._streams[packet.ssrc] = stream
        self._last = stream
        if self._gaps is not None:
            self._gaps.heard(arrived_at)
        if stream.check.received(packet.sequence, packet.timestamp, arrived_at):
            self._reports.heard(packet.ssrc, packet.sequence)
            self._hear(packet, stream, arrived_at)

    def dropped(self, datagram: bytes) -> None:
        """An impairment took it on its way here."""
        if is_rtcp(datagram):
            return
        self._measures.count(Count.FRAMES_DROPPED)
        packet = self._parse(datagram)
        if packet is not None and (stream := self._streams.get(packet.ssrc)) is not None:
            stream.check.dropped(packet.sequence)

    def settle(self) -> None:
        """Have what came since the last time noted; about once each second."""
        for stream in self._streams.values():
            stream.check.settle()

    def close(self, now: float) -> bool:
        """Hang up. False: answers were due, and nothing was heard in all the call."""
        self._conversation.close(now)
        self._judge_turns()
        for stream in self._streams.values():
            stream.check.settle(final=True)
        if self._last is not None:
            self._last.check.end(now)
        if self._gaps is not None:
            self._gaps.close(now)
        return not self._silence.silent(now)

    def report(self, now: float) -> bytes:
        """RTCP to send, every few seconds."""
        return self._reports.report(
            now, timestamp=self._timestamp, packets=self._packets, octets=self._octets
        )

    def _report(self, compound: bytes, arrived_at: float) -> None:
        try:
            round_trips = self._reports.receive(compound, arrived_at)
        except ValueError:
            self._measures.count(Count.FRAMES_UNAUTHENTICATED)
        else:
            self._measures.note_many(Latency.ROUND_TRIP, round_trips)

    def _parse(self, datagram: bytes) -> RtpPacket | None:
        try:
            packet = RtpPacket.parse(datagram)
        except RtpError:
            return None
        return packet if packet.payload_type == self._voice.codec.value else None

    def _hear(self, packet: RtpPacket, stream: "_HeardStream", arrived_at: float) -> None:
        if not packet.payload:
            return
        loudness = loudness_db(packet.payload, self._voice.codec)
        self._judge.heard(stream.played_at(packet.timestamp), loudness)
        if loudness > VOICE_DB:
            self._silence.heard()
            self._conversation.heard(arrived_at)

    def _judge_turns(self) -> None:
        for turn in self._conversation.take_turns():
            self._silence.turn(turn)
            self._judge.judge(turn)


@dataclass(slots=True)
class _HeardStream:
    check: StreamCheck
    first_at: float
    first_timestamp: int

    def played_at(self, timestamp: int) -> float:
        """When a packet is to be heard, if the first one was without delay."""
        ticks = (timestamp - self.first_timestamp + _HALF) % _TIMESTAMPS - _HALF
        return self.first_at + ticks / RATE
