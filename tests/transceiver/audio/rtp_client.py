"""A client's audio stream on a virtual clock, and what comes out of the receiver."""

import itertools
import math
from collections.abc import Sequence

import numpy as np

from transceiver.audio.codec import AudioDecoder
from transceiver.audio.counts import COUNT_RATE
from transceiver.audio.format import AudioFormat, Codec
from transceiver.audio.opus import OpusEncoder
from transceiver.audio.receiver import AudioFrame, AudioReceiver
from transceiver.rtp.packet import RtpPacket
from transceiver.rtp.red import RedBlock, encode_red

RATE = 24000
FRAME = RATE // 50
FRAME_COUNT = COUNT_RATE // 50
"""A frame in the units of what is counted."""

TICKS = 960
"""Of the RTP clock, in a frame."""
OPUS, RED = 111, 63
PLAIN = AudioFormat(Codec.OPUS, payload_type=OPUS)
REDUNDANT = AudioFormat(Codec.OPUS, payload_type=OPUS, red_payload_type=RED)


def tone_packets(count: int, frequency: float = 440) -> list[bytes]:
    encoder = OpusEncoder(RATE)
    time = np.arange(count * FRAME) / RATE
    pcm = (8000 * np.sin(2 * math.pi * frequency * time)).astype("<i2").tobytes()
    size = FRAME * 2
    return [encoder.encode(pcm[start : start + size]) for start in range(0, len(pcm), size)]


TONE = tone_packets(100)
DTX = b"\xf8"


class CountedFrames:
    """Stands in for a codec where hours of sound are to go through: a payload is one frame."""

    concealment_step = 1

    def __init__(self, clock_rate: int = 48000) -> None:
        self.clock_rate = clock_rate

    def duration(self, payload: bytes) -> int:
        return FRAME

    def decode(self, payload: bytes) -> bytes:
        return bytes(2 * FRAME)

    def repair(self, following: bytes, samples: int) -> bytes:
        return bytes(2 * samples)

    def conceal(self, samples: int) -> bytes:
        return bytes(2 * samples)

    def reset(self) -> None:
        pass


def redundant(
    frames: Sequence[bytes], distances: Sequence[int], *, sequence: int = 0, timestamp: int = 0
) -> list[RtpPacket]:
    """Packets 20 ms apart, each with the frames that lie `distances` before its own."""
    packets = []
    for index, frame in enumerate(frames):
        earlier = [
            RedBlock(OPUS, TICKS * back, frames[index - back])
            for back in sorted(distances, reverse=True)
            if back <= index
        ]
        packets.append(
            RtpPacket(
                RED,
                (sequence + index) & 0xFFFF,
                (timestamp + index * TICKS) & 0xFFFFFFFF,
                1,
                encode_red([*earlier, RedBlock(OPUS, 0, frame)]),
            )
        )
    return packets


def plain(frames: Sequence[bytes], *, sequence: int = 0, timestamp: int = 0) -> list[RtpPacket]:
    """Packets 20 ms apart, one frame each."""
    return [
        RtpPacket(
            OPUS, (sequence + index) & 0xFFFF, (timestamp + index * TICKS) & 0xFFFFFFFF, 1, frame
        )
        for index, frame in enumerate(frames)
    ]


class Client:
    """Numbers packets as a client does; `now` is when each one arrives, 20 ms apart."""

    def __init__(
        self,
        sequence: int = 1000,
        timestamp: int = 5000,
        audio_format: AudioFormat = PLAIN,
        decoder: AudioDecoder | None = None,
    ) -> None:
        self.receiver = AudioReceiver(audio_format, RATE, decoder=decoder)
        self.frames: list[AudioFrame] = []
        self.sequence = sequence
        self.timestamp = timestamp
        self.ssrc = 1
        self.now = 0.0

    def packet(self, payload: bytes, payload_type: int = OPUS) -> RtpPacket:
        packet = RtpPacket(
            payload_type, self.sequence & 0xFFFF, self.timestamp & 0xFFFFFFFF, self.ssrc, payload
        )
        self.sequence += 1
        return packet

    def advance(self, seconds: float = 0.02) -> None:
        self.timestamp += round(seconds * 48000)
        self.now += seconds

    def send(self, *payloads: bytes) -> list[AudioFrame]:
        """Send frames of 20 ms; returns what came out."""
        before = len(self.frames)
        for payload in payloads:
            self.frames += self.receiver.receive(self.packet(payload), self.now)
            self.advance()
        return self.frames[before:]

    def lose(self, count: int) -> None:
        self.sequence += count
        self.advance(0.02 * count)

    def let_pass(self, seconds: float) -> list[AudioFrame]:
        """Tick every 10 ms while nothing arrives; the client's clock goes on."""
        before = len(self.frames)
        for _ in range(round(seconds * 100)):
            self.advance(0.01)
            self.frames += self.receiver.tick(self.now)
        return self.frames[before:]

    def assert_unbroken(self) -> None:
        for earlier, later in itertools.pairwise(self.frames):
            assert later.position == earlier.position + len(earlier.pcm) // 2


def pcm(frames: Sequence[AudioFrame]) -> bytes:
    return b"".join(frame.pcm for frame in frames)


def level(frames: list[AudioFrame]) -> float:
    pcm = np.frombuffer(b"".join(frame.pcm for frame in frames), "<i2").astype(float)
    return float(np.sqrt(np.mean(pcm**2)))
