"""G.711, coded before the run: 20 ms are 160 bytes. https://www.itu.int/rec/T-REC-G.711"""

import math
from dataclasses import dataclass
from functools import cache

import av
import numpy as np
from numpy.typing import NDArray

from loadtest.callers.answer_check import FLOOR_DB
from loadtest.callers.sip.session_description import Codec
from loadtest.callers.speech import Speech

RATE = 8000
FRAME_SAMPLES = 160
VOICE_DB = -50.0
"""What is softer is no voice: comfort noise, and silence that was coded."""

_FULL_SCALE = 32768.0
_NAMES = {Codec.PCMU: "pcm_mulaw", Codec.PCMA: "pcm_alaw"}


@dataclass(frozen=True, slots=True)
class CodedSpeech:
    """All that there is to be said, in one codec."""

    utterances: tuple[tuple[bytes, ...], ...]
    silence: bytes

    @classmethod
    def of(cls, speech: Speech, codec: Codec) -> "CodedSpeech":
        utterances = (speech.pcm(each, RATE) for each in range(len(speech.utterances)))
        coded = tuple(_frames(_encoded(b"".join(each), codec)) for each in utterances)
        return cls(coded, _encoded(bytes(2 * FRAME_SAMPLES), codec))


def loudness_db(payload: bytes, codec: Codec) -> float:
    """Of a packet: see `loadtest.callers.answer_check.Envelope`."""
    power = float(_power(codec)[np.frombuffer(payload, np.uint8)].sum()) / len(payload)
    return max(10 * math.log10(power + 1e-12), FLOOR_DB)


def _frames(coded: bytes) -> tuple[bytes, ...]:
    return tuple(coded[at : at + FRAME_SAMPLES] for at in range(0, len(coded), FRAME_SAMPLES))


def _encoded(pcm: bytes, codec: Codec) -> bytes:
    encoder = av.CodecContext.create(_NAMES[codec], "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate, encoder.format, encoder.layout = RATE, "s16", "mono"
    samples = np.frombuffer(pcm, np.int16)
    frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
    frame.sample_rate = RATE
    return b"".join(map(bytes, [*encoder.encode(frame), *encoder.encode(None)]))


@cache
def _power(codec: Codec) -> NDArray[np.float64]:
    """Of the sample that each of the 256 codes stands for; that of the full scale is 1."""
    decoder = av.CodecContext.create(_NAMES[codec], "r")
    assert isinstance(decoder, av.AudioCodecContext)
    decoder.sample_rate, decoder.layout = RATE, "mono"
    [frame] = decoder.decode(av.Packet(bytes(range(256))))
    return np.square(frame.to_ndarray().reshape(-1).astype(np.float64) / _FULL_SCALE)
