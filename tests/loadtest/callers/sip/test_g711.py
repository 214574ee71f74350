import numpy as np

from loadtest.callers.sip.g711 import RATE, CodedSpeech
from loadtest.callers.sip.session_description import Codec
from loadtest.callers.speech import recorded_speech


def test_a_question_sounds_as_it_was_recorded() -> None:
    speech = recorded_speech()
    pcm, coded = speech.pcm(4, RATE), CodedSpeech.of(speech, Codec.PCMU).utterances[4]

    assert {len(frame) for frame in pcm} == {320}
    assert {len(frame) for frame in coded} == {160}
    assert len(pcm) == len(coded) == len(speech.utterances[4].packets)
    linear = np.frombuffer(b"".join(pcm), np.int16).astype(np.int32)
    heard = _expanded(b"".join(coded))
    assert np.all(np.abs(linear - heard) <= np.maximum(np.abs(linear) // 16, 16))
    assert np.abs(linear).max() > 3000


def _expanded(coded: bytes) -> np.ndarray:
    """https://www.itu.int/rec/T-REC-G.711"""
    inverted = ~np.frombuffer(coded, np.uint8).astype(np.int32) & 0xFF
    magnitude = ((inverted & 15) * 8 + 132 << (inverted >> 4 & 7)) - 132
    return np.where(inverted & 0x80, -magnitude, magnitude)
