"""How loud each frame is of all that callers say."""

import numpy as np

from loadtest.callers.answer_check import envelope
from loadtest.callers.speech import Speech

RATE = 8000
"""Enough to tell how loud something is."""
AUDIBLE_DB = -50.0


def speech_loudness(speech: Speech) -> tuple[tuple[float, ...], ...]:
    """Of each utterance, in dB for each 20 ms: see `loadtest.callers.answer_check.Envelope`."""
    return tuple(_loudness(speech.pcm(each, RATE)) for each in range(len(speech.utterances)))


def audible_frames(loudness: tuple[tuple[float, ...], ...]) -> tuple[tuple[bool, ...], ...]:
    """Whether each frame has a sound: see `loadtest.callers.talk.Conversation`."""
    return tuple(tuple(each > AUDIBLE_DB for each in frames) for frames in loudness)


def _loudness(frames: tuple[bytes, ...]) -> tuple[float, ...]:
    return tuple(envelope(np.frombuffer(b"".join(frames), np.int16), RATE).tolist())
