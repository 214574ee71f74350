"""Turns a client's RTP stream into an unbroken run of PCM frames on a media clock.

The clock is the client's: what it did not send, or what was lost beyond repair,
becomes silence of the length that its timestamps tell.
"""

from dataclasses import dataclass

from transceiver.audio.counts import AudioCounts
from transceiver.audio.opus import MAX_PACKET_SECONDS, OpusDecoder, OpusError
from transceiver.rtp.packet import RtpPacket
from transceiver.rtp.red import RedError, unpack_primary, unpack_red
from transceiver.rtp.reordering import Arrival, Reordering
from transceiver.rtp.sender import CLOCK_RATE

SILENCE_FRAME_S = 0.020
MAX_SILENCE_S = 10.0
"""Longest run of silence given out; the clock jumps over what exceeds it."""

DTX_MARGIN_S = 0.060
STALL_MARGIN_S = 0.500
"""How far live silence stays behind the clock, where the sender announced a pause
(DTX) and where its packets just stopped coming, so that a late one finds its place."""

CLOCK_SLACK_S = 1.0
"""How far a gap in timestamps may exceed the time that passed before it is taken for
a jump of the sender's clock."""

_DTX_PAYLOAD_BYTES = 2
"""A frame this short says that the sender stops sending (RFC 6716 section 2.1.9)."""

_CONCEALMENT_STEP_S = 0.0025
_BYTES_PER_SAMPLE = 2


@dataclass(frozen=True, slots=True)
class AudioFrame:
    """A run of samples; frames follow each other without overlap."""

    position: int
    """Media time of the first sample, in samples since the stream's first."""
    pcm: bytes
    """Signed 16 bit, little endian, mono, at the receiver's rate."""
    waited_s: float
    """How long its packet was held back for one that was missing."""


class AudioReceiver:
    """Reorders, decodes and repairs one client's Opus stream at `rate`.

    With a `red_payload_type`, packets of it are redundant audio. Those of other payload
    types take their place in the sequence but carry no audio.
    """

    def __init__(
        self,
        payload_type: int,
        rate: int,
        *,
        red_payload_type: int | None = None,
        counts: AudioCounts | None = None,
    ) -> None:
        """`counts` may be shared by receivers."""
        self._payload_type = payload_type
        self._red_payload_type = red_payload_type
        self._decoder = OpusDecoder(rate)
        self._rate = rate
        self._ticks_per_sample = CLOCK_RATE // rate
        self._max_repair = int(rate * MAX_PACKET_SECONDS)
        self._silence = bytes(int(rate * SILENCE_FRAME_S) * _BYTES_PER_SAMPLE)
        self.counts = AudioCounts() if counts is None else counts
        self.reordering = Reordering(self.counts.reordering)
        self._position = 0
        self._next_timestamp: int | None = None
        self._frame_samples = int(rate * SILENCE_FRAME_S)
        self._heard_at = 0.0
        self._paused = False
        self._filled = 0

    @property
    def position(self) -> int:
        """Media time of the next sample to be given out."""
        return self._position

    def receive(self, packet: RtpPacket, now: float) -> list[AudioFrame]:
        """Take an unprotected packet; returns the frames that are due."""
        if packet.payload_type == self._red_payload_type:
            return self._play(self._receive_redundant(packet, now), now)
        return self._play(self.reordering.receive(packet, now), now)

    def tick(self, now: float) -> list[AudioFrame]:
        """Give up on missing packets in time, and let silence pass; call every 10 ms or so."""
        frames = self._play(self.reordering.tick(now), now)
        return frames or self._live_silence(now)

    def _receive_redundant(self, packet: RtpPacket, now: float) -> list[Arrival]:
        try:
            if self.reordering.expects(packet):
                return self.reordering.receive(unpack_primary(packet), now)
            *earlier, own = unpack_red(packet)
        except RedError:
            self.counts.malformed += 1
            return self.reordering.receive(packet, now)
        arrivals: list[Arrival] = []
        for repeated in earlier:
            if self._is_missing(repeated):
                self.counts.redundant += 1
                arrivals += self.reordering.receive(repeated, now)
        return arrivals + self.reordering.receive(own, now)

    def _is_missing(self, repeated: RtpPacket) -> bool:
        """Whether a frame was lost. Its place does not tell alone: padding takes places too,
        and what is repeated after it stands before it."""
        if not repeated.payload or not self.reordering.awaits(repeated):
            return False
        if self._next_timestamp is None:
            return True
        return (repeated.timestamp - self._next_timestamp) & 0xFFFFFFFF < 1 << 31

    def _play(self, arrivals: list[Arrival], now: float) -> list[AudioFrame]:
        frames: list[AudioFrame] = []
        for arrival in arrivals:
            if arrival.restarted:
                self._restart()
            packet = arrival.packet
            if packet.payload_type == self._payload_type and packet.payload:
                frames += self._play_packet(arrival, now)
        return frames

    def _restart(self) -> None:
        if self._next_timestamp is not None:
            self._decoder.reset()
        self._next_timestamp = None
        self._filled = 0

    def _play_packet(self, arrival: Arrival, now: float) -> list[AudioFrame]:
        packet = arrival.packet
        try:
            frame_samples = self._decoder.duration(packet.payload)
        except OpusError:
            self.counts.malformed += 1
            return []
        frames = self._bridge(arrival, frame_samples, now)
        try:
            pcm = self._decoder.decode(packet.payload)
        except OpusError:
            self.counts.malformed += 1
            pcm = self._decoder.conceal(self._frame_samples)
        else:
            self._frame_samples = frame_samples
        ticks = len(pcm) // _BYTES_PER_SAMPLE * self._ticks_per_sample
        self.counts.decoded += ticks
        frames.append(self._frame(pcm, arrival.waited_s))
        self._next_timestamp = (packet.timestamp + ticks) & 0xFFFFFFFF
        self._heard_at = now
        self._paused = len(packet.payload) <= _DTX_PAYLOAD_BYTES
        self._filled = 0
        return frames

    def _bridge(self, arrival: Arrival, frame: int, now: float) -> list[AudioFrame]:
        """What comes between the last sample and this packet's first."""
        packet = arrival.packet
        gap = self._gap(packet, now) - self._filled
        if gap <= 0:
            # Contiguous; or silence was given out that late packets now follow.
            return []
        if not arrival.lost:
            return self._silence_frames(gap, arrival.waited_s)
        repair = gap if gap <= self._max_repair else frame
        repair -= repair % int(self._rate * _CONCEALMENT_STEP_S)
        frames = self._silence_frames(gap - repair, arrival.waited_s)
        if repair:
            frames.append(self._repaired(packet, repair, arrival.waited_s))
        return frames

    def _gap(self, packet: RtpPacket, now: float) -> int:
        """Samples between the expected timestamp and the packet's; 0 if it lies before."""
        if self._next_timestamp is None:
            return 0
        ticks = (packet.timestamp - self._next_timestamp) & 0xFFFFFFFF
        if ticks >= 1 << 31:
            return 0
        believable = int((now - self._heard_at + CLOCK_SLACK_S) * self._rate)
        return min(ticks // self._ticks_per_sample, believable)

    def _repaired(self, packet: RtpPacket, samples: int, waited_s: float) -> AudioFrame:
        try:
            pcm = self._decoder.decode_fec(packet.payload, samples)
        except OpusError:
            pcm = self._decoder.conceal(samples)
        self.counts.recovered += samples * self._ticks_per_sample
        return self._frame(pcm, waited_s)

    def _live_silence(self, now: float) -> list[AudioFrame]:
        """Silence as it passes, while the sender sends nothing.

        The end of a turn is heard as silence: it must not wait for the next packet.
        """
        if self._next_timestamp is None:
            return []
        margin = DTX_MARGIN_S if self._paused else STALL_MARGIN_S
        passed = min(now - self._heard_at - margin, MAX_SILENCE_S)
        frame = len(self._silence) // _BYTES_PER_SAMPLE
        due = int(passed * self._rate) // frame * frame - self._filled
        if due <= 0:
            return []
        frames = self._silence_frames(due, 0.0)
        self._filled += due
        return frames

    def _silence_frames(self, samples: int, waited_s: float) -> list[AudioFrame]:
        room = int(self._rate * MAX_SILENCE_S) - self._filled
        if samples > room:
            self._position += samples - room
            samples = room
        self.counts.silence += samples * self._ticks_per_sample
        frame = len(self._silence)
        whole, rest = divmod(samples * _BYTES_PER_SAMPLE, frame)
        pieces = [self._silence] * whole + ([bytes(rest)] if rest else [])
        return [self._frame(piece, waited_s) for piece in pieces]

    def _frame(self, pcm: bytes, waited_s: float) -> AudioFrame:
        frame = AudioFrame(self._position, pcm, waited_s)
        self._position += len(pcm) // _BYTES_PER_SAMPLE
        return frame
