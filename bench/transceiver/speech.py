"""Continuous speech as Opus packets of 20 ms, made once: generators only repeat them."""

import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import av
import numpy as np

from antiphon.wav import RATE, Samples
from tests.e2e.speech import Speaker

FRAME_MS = 20
FRAME_TICKS = RATE * FRAME_MS // 1000

_SENTENCES = (
    "the quick brown fox jumps over the lazy dog while seven wizards quietly brew their tea",
    "please read me the third chapter again because I did not understand how the engine works",
    "tomorrow at noon we will meet by the harbour and bring nothing but bread cheese and apples",
    "nine hundred and fourteen people heard the announcement and only two of them wrote it down",
)


@dataclass(frozen=True, slots=True)
class Coding:
    """How clients encode what they say; the names are FFmpeg's."""

    application: str
    bit_rate: int
    complexity: int
    fec: bool


VOIP = Coding("voip", 32_000, 5, fec=True)
"""What a browser sends: https://www.rfc-editor.org/rfc/rfc7587#section-3.1.1"""
CELT = Coding("lowdelay", 64_000, 0, fec=False)


@cache
def spoken() -> Samples:
    """Half a minute of speech at 48 kHz, mono, without pauses between sentences."""
    with tempfile.TemporaryDirectory() as directory:
        speaker = Speaker(Path(directory))
        return np.concatenate([speaker.say(sentence) for sentence in _SENTENCES])


@cache
def packets(coding: Coding) -> tuple[bytes, ...]:
    """The speech as Opus packets, one for each whole frame of it."""
    encoder = av.CodecContext.create("libopus", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate, encoder.format, encoder.layout = RATE, "s16", "mono"
    encoder.bit_rate = coding.bit_rate
    encoder.options = {
        "application": coding.application,
        "compression_level": str(coding.complexity),
        "frame_duration": str(FRAME_MS),
        "fec": str(int(coding.fec)),
        "packet_loss": "10" if coding.fec else "0",
    }
    samples = spoken()
    encoded: list[bytes] = []
    for start in range(0, len(samples) - FRAME_TICKS + 1, FRAME_TICKS):
        frame = av.AudioFrame.from_ndarray(
            samples[None, start : start + FRAME_TICKS], format="s16", layout="mono"
        )
        frame.sample_rate, frame.pts = RATE, start
        encoded += [bytes(packet) for packet in encoder.encode(frame)]
    return tuple(encoded)
