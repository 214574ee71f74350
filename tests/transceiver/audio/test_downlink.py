"""The agent's voice over a lossy path to a client that reports what it misses."""

import math
import random
from collections.abc import Callable

import numpy as np
import pytest

from transceiver.audio.counts import AudioCounts
from transceiver.audio.downlink import ENCODER_KEPT_S, Downlink
from transceiver.audio.downlink_counts import DownlinkCounts
from transceiver.audio.encoder_policy import EncoderPolicy, OpusChoice
from transceiver.audio.format import AudioFormat, Codec, OpusPreferences
from transceiver.audio.opus_mode import OpusMode
from transceiver.audio.receiver import AudioReceiver
from transceiver.rtp.packet import RtpPacket
from transceiver.rtp.reports import RtcpSession
from transceiver.rtp.sender import RtpSender

RATE = 24000
FRAME_S = 0.02
FRAME = int(RATE * FRAME_S)
OPUS, RED = 111, 63
WITH_FEC = AudioFormat(Codec.OPUS, OPUS, opus=OpusPreferences(in_band_fec=True))
WITH_RED = AudioFormat(Codec.OPUS, OPUS, RED, opus=OpusPreferences(in_band_fec=True))
TELEPHONE = AudioFormat(Codec.PCMU, 0)


def tone_frame(number: int) -> bytes:
    time = (np.arange(FRAME) + number * FRAME) / RATE
    return (8000 * np.sin(2 * math.pi * 440 * time)).astype("<i2").tobytes()


class Path:
    """An agent and its client; each reports to the other, who may have packets lost."""

    def __init__(
        self,
        audio_format: AudioFormat,
        *,
        choice: OpusChoice = OpusChoice.AUTO,
        load: Callable[[], float] = lambda: 0.0,
    ) -> None:
        clock_rate = 48000 if audio_format.codec is Codec.OPUS else 8000
        self.now = 100.0
        self.loss = 0.0
        self.counts = DownlinkCounts()
        self.sender = RtpSender(
            payload_type=audio_format.payload_type,
            ssrc=1,
            sequence=65500,
            timestamp=(1 << 32) - 5000,
            clock_rate=clock_rate,
            red_payload_type=audio_format.red_payload_type,
        )
        self.downlink = Downlink(
            audio_format,
            RATE,
            sender=self.sender,
            policy=EncoderPolicy(choice, load),
            counts=self.counts,
        )
        self.reports = self._reports(self.sender)
        self.client_counts = AudioCounts()
        self.client = AudioReceiver(audio_format, RATE, counts=self.client_counts)
        self.client_reports = self._reports(
            RtpSender(payload_type=0, ssrc=2, sequence=0, timestamp=0, clock_rate=clock_rate)
        )
        self.heard = bytearray()
        self.packets: list[RtpPacket] = []
        self._frame = 0
        self._draw = random.Random(1)

    def _reports(self, sender: RtpSender) -> RtcpSession:
        return RtcpSession(sender, cname="name", epoch_s=4e9, random=lambda: 0.5)

    def talk(self, seconds: float) -> None:
        for _ in range(round(seconds / FRAME_S)):
            packet = self.downlink.send(tone_frame(self._frame), self.now)
            self._frame += 1
            self.packets.append(RtpPacket.parse(packet))
            if self._draw.random() >= self.loss:
                self._arrive(self.packets[-1])
            self._pass_frame()

    def be_silent(self, seconds: float) -> None:
        for _ in range(round(seconds / FRAME_S)):
            self.downlink.skip()
            self._pass_frame()

    def _arrive(self, packet: RtpPacket) -> None:
        self.client_reports.receive_rtp(packet, self.now)
        self.heard += b"".join(frame.pcm for frame in self.client.receive(packet, self.now))

    def _pass_frame(self) -> None:
        self.heard += b"".join(frame.pcm for frame in self.client.tick(self.now))
        compound = self.client_reports.tick(self.now)
        if compound is not None:
            report = self.reports.receive(compound, self.now)
            if report is not None:
                self.downlink.receive(report, self.now)
        self.now += FRAME_S


def test_a_clean_path_gets_plain_packets_and_no_fec() -> None:
    path, plain = Path(WITH_RED), Path(AudioFormat(Codec.OPUS, OPUS))
    for each in path, plain:
        each.talk(10.0)
    assert [packet.payload for packet in path.packets] == [p.payload for p in plain.packets]
    assert {packet.payload_type for packet in path.packets} == {OPUS}
    assert path.counts.redundant_packets == 0
    assert path.counts.reported_packets >= 250
    assert path.counts.reported_lost == 0


def test_reported_loss_brings_redundancy_that_the_client_plays() -> None:
    path = Path(WITH_RED)
    path.loss = 0.1
    path.talk(10.0)
    assert path.sender.redundancy == 2

    heard, lost = len(path.heard), path.client_counts.reordering.lost
    path.talk(20.0)
    assert path.client_counts.reordering.lost - lost < 5, "lost three times in a row: 1 of 1000"
    assert path.client_counts.redundant > 50
    assert len(path.heard) - heard == pytest.approx(20.0 * RATE * 2, rel=0.01)
    assert path.counts.redundant_packets > 1000
    reported = path.counts.reported_lost / path.counts.reported_packets
    assert reported == pytest.approx(path.loss, abs=0.03)


def test_redundancy_ends_when_the_path_heals() -> None:
    path = Path(WITH_RED)
    path.loss = 0.1
    path.talk(10.0)
    path.loss = 0.0
    path.talk(120.0)
    assert path.sender.redundancy == 0
    assert path.packets[-1].payload_type == OPUS


def test_without_red_reported_loss_brings_fec() -> None:
    path, clean = Path(WITH_FEC), Path(WITH_FEC)
    path.loss = 0.1
    for each in path, clean:
        each.talk(20.0)
    assert {packet.payload_type for packet in path.packets} == {OPUS}
    assert [p.payload for p in path.packets[:50]] == [p.payload for p in clean.packets[:50]]
    assert [p.payload for p in path.packets[500:]] != [p.payload for p in clean.packets[500:]]


def test_each_talkspurt_is_coded_as_the_load_then_asks_for() -> None:
    load = 0.0
    path = Path(WITH_RED, load=lambda: load)
    for load in (0.1, 0.9, 0.1):  # noqa: B007
        path.talk(0.1)
        path.be_silent(0.1)
    assert path.counts.talkspurts == {OpusMode.VOIP: 2, OpusMode.CELT: 1}


def test_a_talkspurt_under_load_is_repeated_in_half_the_bits() -> None:
    path = Path(WITH_RED, choice=OpusChoice.CELT)
    path.loss = 0.03
    path.talk(10.0)
    path.be_silent(0.1)
    path.talk(0.1)
    assert path.counts.talkspurts == {OpusMode.CELT: 1, OpusMode.CELT_HALVED: 1}


def test_silence_costs_no_packet_and_after_a_while_no_encoder() -> None:
    path = Path(WITH_RED)
    path.be_silent(0.1)
    assert not path.downlink.holds_encoder
    path.talk(0.1)
    path.be_silent(ENCODER_KEPT_S - FRAME_S)
    assert path.downlink.holds_encoder
    path.be_silent(FRAME_S)
    assert not path.downlink.holds_encoder
    path.talk(0.1)
    assert len(path.packets) == 10
    assert [packet.marker for packet in path.packets] == ([True] + [False] * 4) * 2


def test_the_telephones_codec_has_nothing_to_adapt() -> None:
    path = Path(TELEPHONE)
    path.loss = 0.1
    path.talk(10.0)
    assert {len(packet.payload) for packet in path.packets} == {160}
    assert path.counts.talkspurts == {}
    assert path.counts.reported_lost > 0
