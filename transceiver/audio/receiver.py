"""Turns a client's RTP stream into an unbroken run of PCM frames on a media clock.

The clock is the client's: what it did not send, or what was lost beyond repair,
becomes silence of the length that its timestamps tell.
"""

from typing import NamedTuple

from antiphon_proto.audio_block import BYTES_PER_SAMPLE
from transceiver.audio.codec import AudioCodecError, AudioDecoder
from transceiver.audio.codec_factory import make_decoder
from transceiver.audio.counts import COUNT_RATE, AudioCounts
from transceiver.audio.format import AudioFormat
from transceiver.audio.live_silence import FRAME_S, LiveSilence
from transceiver.audio.redundancy import Redundancy
from transceiver.audio.sender_clock import SenderClock
from transceiver.audio.skipping_decoder import SkippingDecoder
from transceiver.rtp.packet import RtpPacket
from transceiver.rtp.red import RedError, read_primary
from transceiver.rtp.reordering import Arrival, Reordering

MAX_REPAIR_S = 0.120
"""Of a longer gap only this much of its start is made up, and the frame before its end;
in between is silence."""

_DTX_PAYLOAD_BYTES = 2
"""A frame this short says that the sender stops sending (RFC 6716 section 2.1.9)."""


class AudioFrame(NamedTuple):
    """A run of samples; frames follow each other without overlap."""

    position: int
    """Media time of the first sample, in samples since the stream's first."""
    pcm: bytes
    """Signed 16 bit, little endian, mono, at the receiver's rate."""
    waited_s: float
    """How long its packet was held back for one that was missing."""


class AudioReceiver:
    """Reorders, decodes and repairs one client's stream at `rate`.

    Packets of other payload types than the format's take their place in the sequence but
    carry no audio.
    """

    def __init__(
        self,
        audio_format: AudioFormat,
        rate: int,
        *,
        counts: AudioCounts | None = None,
        decoder: AudioDecoder | None = None,
        position: int = 0,
    ) -> None:
        """`counts` may be shared by receivers; `decoder` is the format's unless given;
        `position` is where another stream ended that this one goes on for.
        """
        self._payload_type = audio_format.payload_type
        self._red_payload_type = audio_format.red_payload_type
        self._comfort_noise_payload_type = audio_format.comfort_noise_payload_type
        self._telephone_event_payload_type = audio_format.telephone_event_payload_type
        self._decoder = decoder or make_decoder(audio_format, rate)
        self._max_repair = int(rate * MAX_REPAIR_S)
        self._silence = bytes(int(rate * FRAME_S) * BYTES_PER_SAMPLE)
        self._count_ticks = COUNT_RATE // rate
        self.counts = AudioCounts() if counts is None else counts
        self._skipping = SkippingDecoder(
            self._decoder, audio_format.extensions.audio_level, self.counts
        )
        self.reordering = Reordering(self.counts.reordering)
        self._clock = SenderClock(self._decoder.clock_rate, rate)
        self._redundancy = Redundancy(self.reordering, self._clock)
        self._live_silence = LiveSilence(rate)
        self._position = position
        self._lost = False
        """Whether audio is missing since the last that was played."""

    @property
    def position(self) -> int:
        """Media time of the next sample to be given out."""
        return self._position

    def receive(self, packet: RtpPacket, now: float) -> list[AudioFrame]:
        """Take an unprotected packet; returns the frames that are due."""
        if packet.timestamp == self._clock.next_timestamp:
            frames = self._play_next(packet, now)
            if frames is not None:
                return frames
        if packet.payload_type == self._red_payload_type:
            return self._play(self._receive_redundant(packet, now), now)
        return self._play(self.reordering.receive(packet, now), now)

    def tick(self, now: float) -> list[AudioFrame]:
        """Give up on missing packets in time, and let silence pass; call every 10 or 20 ms."""
        frames = self._play(self.reordering.tick(now), now) if self.reordering.held else []
        if frames or self._clock.next_timestamp is None:
            return frames
        due = self._live_silence.due(now)
        return self._silence_frames(due, 0.0) if due else frames

    def _play_next(self, packet: RtpPacket, now: float) -> list[AudioFrame] | None:
        """What nearly every packet takes: next in order, contiguous in time, intact.

        None: it was not taken. A straight line, because it runs 50 times a second a call.
        """
        payload_type = packet.payload_type
        payload = packet.payload
        try:
            if payload_type == self._red_payload_type and payload:
                payload_type, payload = read_primary(payload)
            if payload_type != self._payload_type or not payload:
                return None
            if self._lost or self._live_silence.filled:
                return None
            if not self.reordering.pass_through(packet):
                return None
            return [self._decoded(payload, packet.extension, 0.0, now)]
        except RedError:
            return None
        except AudioCodecError:
            return self._refuse()

    def _receive_redundant(self, packet: RtpPacket, now: float) -> list[Arrival]:
        try:
            missing, own = self._redundancy.unpack(packet)
        except RedError:
            return self.reordering.receive(packet, now)
        arrivals: list[Arrival] = []
        for repeated in missing:
            self.counts.redundant += 1
            arrivals += self.reordering.receive(repeated, now)
        return arrivals + self.reordering.receive(own, now)

    def _play(self, arrivals: list[Arrival], now: float) -> list[AudioFrame]:
        frames: list[AudioFrame] = []
        for arrival in arrivals:
            if arrival.restarted:
                self._restart()
            self._lost |= arrival.lost > 0
            packet = arrival.packet
            if not packet.payload:
                continue
            if packet.payload_type == self._payload_type:
                frames += self._play_packet(arrival, now)
            elif packet.payload_type == self._comfort_noise_payload_type:
                frames += self._pause(arrival, now)
            elif packet.payload_type == self._telephone_event_payload_type:
                # Voice pauses while a key is held; its packets have the time when it was pressed.
                self._live_silence.announced = True
            elif packet.payload_type == self._red_payload_type:
                self._refuse()
        return frames

    def _restart(self) -> None:
        if self._clock.next_timestamp is not None:
            self._skipping.reset()
        self._clock.reset()
        self._live_silence.restart()
        self._lost = False

    def _refuse(self) -> list[AudioFrame]:
        """Count a packet that cannot be read; its audio is as good as lost."""
        self.counts.malformed += 1
        self._lost = True
        return []

    def _play_packet(self, arrival: Arrival, now: float) -> list[AudioFrame]:
        payload, extension = arrival.packet.payload, arrival.packet.extension
        try:
            samples = self._decoder.duration(payload)
        except AudioCodecError:
            return self._refuse()
        frames = self._bridge(arrival, samples, now)
        try:
            frames.append(self._decoded(payload, extension, arrival.waited_s, now))
        except AudioCodecError:
            self._refuse()
        return frames

    def _decoded(self, payload: bytes, extension: bytes, waited_s: float, now: float) -> AudioFrame:
        """The packet's audio, which is next in time. Raises AudioCodecError."""
        pcm = self._skipping.decode(payload, extension)
        samples = len(pcm) // BYTES_PER_SAMPLE
        self.counts.decoded += samples * self._count_ticks
        self._clock.advance(samples)
        silence = self._live_silence
        silence.heard_at = now
        silence.announced = len(payload) <= _DTX_PAYLOAD_BYTES
        position = self._position
        self._position = position + samples
        return AudioFrame(position, pcm, waited_s)

    def _pause(self, arrival: Arrival, now: float) -> list[AudioFrame]:
        """Comfort noise announces a pause, and takes no time of its own."""
        frames = self._bridge(arrival, 0, now)
        self._live_silence.heard_at = now
        self._live_silence.announced = True
        return frames

    def _bridge(self, arrival: Arrival, following: int, now: float) -> list[AudioFrame]:
        """What comes between the last sample and the first of a packet of `following`."""
        hushed = self._live_silence.filled > 0
        gap = self._clock.jump(arrival.packet.timestamp)
        skipped, gap = self._live_silence.settle(gap, now, lost=self._lost)
        lost, self._lost = self._lost, False
        self._position += skipped
        if not lost or not gap or not following:
            return self._silence_frames(gap, arrival.waited_s)
        if gap <= self._max_repair:
            return self._repaired(arrival, 0, gap, gap)
        return self._repaired(arrival, 0 if hushed else self._max_repair, gap, following)

    def _repaired(self, arrival: Arrival, head: int, gap: int, tail: int) -> list[AudioFrame]:
        """Guesses at the `head` of a gap of lost sound, silence, and what the packet after it
        tells of its `tail`."""
        step = self._decoder.concealment_step
        tail -= tail % step
        head = min(head, gap - tail) // step * step
        frames = [self._made_up(self._skipping.conceal(head), arrival.waited_s)] if head else []
        frames += self._silence_frames(gap - head - tail, arrival.waited_s)
        if tail:
            repaired = self._skipping.repair(arrival.packet.payload, tail)
            frames.append(self._made_up(repaired, arrival.waited_s))
        return frames

    def _made_up(self, pcm: bytes, waited_s: float) -> AudioFrame:
        self.counts.recovered += len(pcm) // BYTES_PER_SAMPLE * self._count_ticks
        return self._frame(pcm, waited_s)

    def _silence_frames(self, samples: int, waited_s: float) -> list[AudioFrame]:
        self.counts.silence += samples * self._count_ticks
        whole, rest = divmod(samples * BYTES_PER_SAMPLE, len(self._silence))
        pieces = [self._silence] * whole + ([bytes(rest)] if rest else [])
        return [self._frame(piece, waited_s) for piece in pieces]

    def _frame(self, pcm: bytes, waited_s: float) -> AudioFrame:
        frame = AudioFrame(self._position, pcm, waited_s)
        self._position += len(pcm) // BYTES_PER_SAMPLE
        return frame
