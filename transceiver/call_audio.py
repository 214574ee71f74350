"""Both directions of a call's sound, at the rates that its engine asked for."""

from antiphon_proto.audio_block import BYTES_PER_SAMPLE
from transceiver.audio.codec_factory import make_encoder
from transceiver.audio.counts import AudioCounts
from transceiver.audio.format import AudioFormat
from transceiver.audio.playout import FRAME_S, Playout
from transceiver.audio.receiver import AudioFrame, AudioReceiver
from transceiver.rtp.packet import RtpPacket
from transceiver.rtp.sender import RtpSender

MAX_LAG_S = 0.1
"""A playout clock further behind than this starts over instead of catching up in a burst."""


EARLY_S = 0.005
"""Half a tick: a frame leaves with the tick nearest to its time, not with the one after it."""


class CallAudio:
    """The client's Opus to PCM at `input_rate`, the agent's PCM at `output_rate` to Opus.

    The playout clock ticks every 20 ms from the first call of `next_packet`.
    """

    def __init__(
        self,
        format_: AudioFormat,
        *,
        input_rate: int,
        output_rate: int,
        sender: RtpSender,
        counts: AudioCounts,
    ) -> None:
        """`counts` may be shared by calls."""
        self.input_rate = input_rate
        self.playout = Playout(output_rate)
        self._receiver = AudioReceiver(
            format_.payload_type,
            input_rate,
            red_payload_type=format_.red_payload_type,
            counts=counts,
        )
        self._encoder = make_encoder(format_, output_rate)
        self._sender = sender
        self._next_frame_at: float | None = None

    def receive(self, packet: RtpPacket, now: float) -> list[AudioFrame]:
        """Take the client's packet; returns the frames that are due."""
        return self._receiver.receive(packet, now)

    def tick(self, now: float) -> list[AudioFrame]:
        """Frames that are due without a packet: repaired ones, and silence that passed."""
        return self._receiver.tick(now)

    def next_packet(self, now: float) -> bytes | None:
        """The RTP packet that is due; None when none is, or the agent is silent."""
        if self._next_frame_at is None:
            self._next_frame_at = now
        if now < self._next_frame_at - EARLY_S:
            return None
        self._next_frame_at += FRAME_S
        if now - self._next_frame_at > MAX_LAG_S:
            self._next_frame_at = now + FRAME_S
        frame = self.playout.next_frame()
        if frame is None:
            self._sender.skip()
            return None
        return self._sender.send(self._encoder.encode(frame))

    def position_ms(self, frame: AudioFrame) -> int:
        """Media time of a frame's first sample, in milliseconds."""
        return frame.position * 1000 // self.input_rate

    def duration_ms(self, frame: AudioFrame) -> float:
        return len(frame.pcm) / BYTES_PER_SAMPLE * 1000 / self.input_rate
