"""A browser's way of sending, with discontinuous transmission (DTX) and without, and its path."""

import ctypes
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random

from antiphon.wav import RATE, Samples
from transceiver.audio.libopus import library
from transceiver.rtp.packet import RtpPacket
from transceiver.rtp.red import MAX_OFFSET, RedBlock, encode_red

OPUS, RED = 111, 63
FRAME_S = 0.020
FRAME = int(RATE * FRAME_S)

# https://opus-codec.org/docs/opus_api-1.5/group__opus__encoderctls.html, and Chromium's values.
_APPLICATION_VOIP = 2048
_SETTINGS = {4002: 32000, 4010: 9, 4012: 1, 4014: 0}
_SET_DTX = 4016


@dataclass(frozen=True, slots=True)
class Path:
    """A network: the part of packets that it loses, and its mean additional delay."""

    name: str
    loss: float = 0.0
    jitter_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Microphone:
    """What a sender makes of the samples: a payload or None for each 20 ms."""

    dtx: bool

    def payloads(self, samples: Samples) -> Iterator[bytes | None]:
        """As Chromium sends: of the frames that DTX leaves out, the first alone goes out."""
        opus = library()
        state = ctypes.create_string_buffer(opus.opus_encoder_get_size(1))
        opus.opus_encoder_init(state, RATE, 1, _APPLICATION_VOIP)
        for request, value in (_SETTINGS | {_SET_DTX: self.dtx}).items():
            opus.opus_encoder_ctl(state, request, int(value))
        packet = ctypes.create_string_buffer(1275)
        paused = False
        for start in range(0, len(samples) - FRAME + 1, FRAME):
            pcm = samples[start : start + FRAME].astype("<i2").tobytes()
            length = opus.opus_encode(state, pcm, FRAME, packet, len(packet))
            left_out = length <= 2
            yield None if left_out and paused else packet.raw[:length]
            paused = left_out


def packets(samples: Samples, microphone: Microphone) -> Iterator[tuple[float, RtpPacket]]:
    """Packets with when they leave, each with the frame before it as a browser sends them."""
    sequence, earlier = 0, (0, b"")
    for place, payload in enumerate(microphone.payloads(samples)):
        if payload is None:
            continue
        offset = (place - earlier[0]) * FRAME
        redundant = [RedBlock(OPUS, offset, earlier[1])] if 0 < offset <= MAX_OFFSET else []
        red = encode_red([*redundant, RedBlock(OPUS, 0, payload)])
        yield (place + 1) * FRAME_S, RtpPacket(RED, sequence & 0xFFFF, place * FRAME, 1, red)
        sequence, earlier = sequence + 1, (place, payload)


def arrivals(sent: Iterable[tuple[float, RtpPacket]], path: Path) -> list[tuple[float, RtpPacket]]:
    random = Random(3)
    return sorted(
        (leaves + random.expovariate(1 / path.jitter_s) if path.jitter_s else leaves, packet)
        for leaves, packet in sent
        if random.random() >= path.loss
    )
