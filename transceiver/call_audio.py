"""Both directions of a call's sound, at the rates that its engine asked for."""

from transceiver.audio.counts import AudioCounts
from transceiver.audio.downlink import Downlink
from transceiver.audio.downlink_counts import DownlinkCounts
from transceiver.audio.encoder_policy import EncoderPolicy
from transceiver.audio.format import AudioFormat
from transceiver.audio.playout import Playout
from transceiver.audio.receiver import AudioFrame, AudioReceiver
from transceiver.rtp.packet import RtpPacket
from transceiver.rtp.reports import ReceptionReport
from transceiver.rtp.sender import RtpSender

_TOLERANCE_S = 0.001
"""Of the clock's due times, which are floating point sums; frames are longer than this by far."""


class CallAudio:
    """The client's packets to PCM at `input_rate`, the agent's PCM at `output_rate` to packets.

    Frames leave by the media clock, the first at the first call of `next_packet`.
    """

    def __init__(
        self,
        format_: AudioFormat,
        *,
        input_rate: int,
        output_rate: int,
        sender: RtpSender,
        encoder_policy: EncoderPolicy,
        counts: AudioCounts,
        downlink_counts: DownlinkCounts,
    ) -> None:
        """The policy and the counts may be shared by calls."""
        self.input_rate = input_rate
        self.playout = Playout(output_rate, format_.frame_ms)
        self._counts = counts
        self._downlink_counts = downlink_counts
        self._encoder_policy = encoder_policy
        self._output_rate = output_rate
        self._next_frame_at: float | None = None
        self._begin(format_, sender, position=0)

    def _begin(self, format_: AudioFormat, sender: RtpSender, position: int) -> None:
        self._frame_s = format_.frame_ms / 1000
        self._receiver = AudioReceiver(
            format_, self.input_rate, counts=self._counts, position=position
        )
        self._downlink = Downlink(
            format_,
            self._output_rate,
            sender=sender,
            policy=self._encoder_policy,
            counts=self._downlink_counts,
        )

    def change_format(self, format_: AudioFormat, sender: RtpSender) -> None:
        """Go on in another format; input goes on at the position that it was at."""
        self.playout.use_frames_of(format_.frame_ms)
        self._begin(format_, sender, self._receiver.position)

    def receive(self, packet: RtpPacket, now: float) -> list[AudioFrame]:
        """Take the client's packet; returns the frames that are due."""
        return self._receiver.receive(packet, now)

    def tick(self, now: float) -> list[AudioFrame]:
        """Frames that are due without a packet: repaired ones, and silence that passed."""
        return self._receiver.tick(now)

    @property
    def speaking(self) -> bool:
        """Whether the last packet was one of the agent's voice."""
        return self._downlink.talking

    def take_report(self, report: ReceptionReport, now: float) -> None:
        """Take the client's report on how it receives the agent's voice."""
        self._downlink.receive(report, now)

    def next_packet(self, due: float, *, audible: bool = True) -> bytes | None:
        """The RTP packet of the frame that is due; None when none is.

        While the agent is silent there are few, of noise or silence. Frames whose time went by
        without a call are silence; one that shall not be `audible`, as while the client holds
        the call, is taken to be played.
        """
        if self._next_frame_at is None:
            self._next_frame_at = due
        if due < self._next_frame_at - _TOLERANCE_S:
            return None
        self._next_frame_at += self._frame_s
        while due >= self._next_frame_at - _TOLERANCE_S:
            self._downlink.skip()
            self.playout.pass_by()
            self._next_frame_at += self._frame_s
        frame = self.playout.next_frame()
        if not audible:
            self._downlink.skip()
            return None
        return self._downlink.pause() if frame is None else self._downlink.send(frame, due)
