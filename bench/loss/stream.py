"""A sentence as the RTP packets that a browser sends of it, with and without redundancy."""

from dataclasses import dataclass

import av
import numpy as np

from antiphon.wav import RATE, Samples
from transceiver.audio.format import AudioFormat, Codec
from transceiver.rtp.packet import RtpPacket
from transceiver.rtp.red import RedBlock, encode_red

FRAME_S = 0.020
FRAME_TICKS = round(RATE * FRAME_S)
FORMAT = AudioFormat(Codec.OPUS, payload_type=111, red_payload_type=63)

BIT_RATE = 32_000
COMPLEXITY = 9
"""What libwebrtc sets on a desktop."""

TAIL_FRAMES = 25
"""Of silence after the sentence, so that no receiver holds a part of it back."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One frame each 20 ms from time 0, and the packets that carry them."""

    frames: list[bytes]
    plain: list[bytes]
    redundant: list[bytes]
    """Each with the frame before its own, as Chromium sends them."""


def stream(samples: Samples, loss: float) -> Stream:
    """Encoded as by a browser that was told of this `loss`, 0 to 1."""
    frames = encode(samples, loss)
    plain, redundant = [], []
    for index, frame in enumerate(frames):
        earlier = [RedBlock(FORMAT.payload_type, FRAME_TICKS, frames[index - 1])] if index else []
        both = encode_red([*earlier, RedBlock(FORMAT.payload_type, 0, frame)])
        plain.append(_packet(FORMAT.payload_type, index, frame))
        redundant.append(_packet(FORMAT.red_payload_type or 0, index, both))
    return Stream(frames, plain, redundant)


def encode(samples: Samples, loss: float) -> list[bytes]:
    encoder = av.CodecContext.create("libopus", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate, encoder.format, encoder.layout = RATE, "s16", "mono"
    encoder.bit_rate = BIT_RATE
    encoder.options = {
        "application": "voip",
        "compression_level": str(COMPLEXITY),
        "frame_duration": str(round(FRAME_S * 1000)),
        "fec": "1",
        "packet_loss": str(round(loss * 100)),
    }
    count = -(-len(samples) // FRAME_TICKS) + TAIL_FRAMES
    padded = np.zeros(count * FRAME_TICKS, np.int16)
    padded[: len(samples)] = samples
    packets: list[bytes] = []
    for start in range(0, len(padded), FRAME_TICKS):
        piece = padded[None, start : start + FRAME_TICKS]
        frame = av.AudioFrame.from_ndarray(piece, format="s16", layout="mono")
        frame.sample_rate, frame.pts = RATE, start
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return packets


def _packet(payload_type: int, index: int, payload: bytes) -> bytes:
    return RtpPacket(payload_type, index & 0xFFFF, index * FRAME_TICKS, 1, payload).encode()
