"""The agent's voice from PCM to packets, coded and protected as its path and the CPU ask for."""

from transceiver.audio.codec import AudioEncoder
from transceiver.audio.codec_factory import make_encoder
from transceiver.audio.downlink_counts import DownlinkCounts
from transceiver.audio.downlink_protection import DownlinkProtection
from transceiver.audio.encoder_policy import EncoderPolicy
from transceiver.audio.format import AudioFormat, Codec
from transceiver.audio.opus_mode import OpusMode
from transceiver.audio.pause_packets import PausePackets
from transceiver.rtp.reports import ReceptionReport
from transceiver.rtp.sender import RtpSender

ENCODER_KEPT_S = 10.0
"""Silence after which the encoder's 31 kB go: an agent listens for longer than it talks.
A fresh one sounds no worse to a decoder that has faded out since."""


class Downlink:
    """One call's, of PCM at `rate`. Call `send`, `pause` or `skip` once for each frame of the
    clock.

    `policy` and `counts` are the worker's.
    """

    def __init__(
        self,
        audio_format: AudioFormat,
        rate: int,
        *,
        sender: RtpSender,
        policy: EncoderPolicy,
        counts: DownlinkCounts,
    ) -> None:
        is_opus = audio_format.codec is Codec.OPUS
        self._format = audio_format
        self._rate = rate
        self._sender = sender
        self._policy = policy
        self._counts = counts
        self._protection = DownlinkProtection(
            red=audio_format.red_payload_type is not None,
            fec=is_opus and audio_format.opus.in_band_fec,
        )
        self._encoder: AudioEncoder | None = None
        self._pause_packets = PausePackets(audio_format)
        self._talking = False
        self._silent_frames = 0
        self._kept_frames = int(ENCODER_KEPT_S * 1000 / audio_format.frame_ms)

    @property
    def holds_encoder(self) -> bool:
        """Whether an encoder takes up memory."""
        return self._encoder is not None

    @property
    def talking(self) -> bool:
        """Whether the last frame was one of the agent's voice."""
        return self._talking

    def send(self, pcm: bytes, now: float) -> bytes:
        """The RTP packet of this frame, of the format's `frame_ms`. Raises AudioCodecError."""
        encoder = self._encoder
        if encoder is None or not self._talking:
            encoder = self._start_talkspurt(now)
        if self._sender.redundancy:
            self._counts.redundant_packets += 1
        return self._sender.send(encoder.encode(pcm))

    def pause(self) -> bytes | None:
        """The RTP packet that is sent of this frame though the agent is silent, if one is."""
        self._be_silent()
        due = self._pause_packets.due()
        if due is not None:
            return self._sender.send_pause(*due)
        self._sender.skip()
        return None

    def skip(self) -> None:
        """Let this frame pass without a packet."""
        self._be_silent()
        self._sender.skip()

    def _be_silent(self) -> None:
        if self._talking:
            self._talking = False
            self._silent_frames = 0
            self._pause_packets.begin()
        self._silent_frames += 1
        if self._silent_frames == self._kept_frames:
            self._encoder = None

    def receive(self, report: ReceptionReport, now: float) -> None:
        """Take the client's report on this stream."""
        self._counts.reported_packets += report.packets_expected
        self._counts.reported_lost += report.fraction_lost * report.packets_expected
        self._protection.receive(report, now)
        if self._encoder is not None and self._talking:
            self._adapt(self._encoder, now)

    def _start_talkspurt(self, now: float) -> AudioEncoder:
        encoder = self._encoder
        if encoder is None:
            encoder = self._encoder = make_encoder(self._format, self._rate)
        self._talking = True
        mode = self._adapt(encoder, now)
        if self._format.codec is Codec.OPUS:
            self._counts.talkspurts[mode] += 1
        return encoder

    def _adapt(self, encoder: AudioEncoder, now: float) -> OpusMode:
        protection = self._protection.at(now)
        mode = self._policy.mode(protection)
        self._sender.redundancy = protection.redundancy
        encoder.adapt(mode, protection.expected_loss)
        return mode
