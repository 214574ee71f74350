"""Questions of the embedded agent's domain as a caller's microphone would give them."""

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import soxr

from antiphon.wav import RATE, Samples
from inference.engines.cascade import domain
from inference.engines.cascade.espeak import Espeak
from inference.engines.cascade.worker_messages import SpeakRequest

SHORTEST_WORDS = 4
BEFORE_S = 0.4
AFTER_S = 0.6
NOISE_AMPLITUDE = 3
"""Of 16 bits, so that pauses are no digital silence."""

VOICES = ("en-us", "en-gb")
PITCHES = (35, 50, 65)
WORDS_A_MINUTE = (150, 165, 180)


@dataclass(frozen=True, slots=True)
class Sentence:
    text: str
    samples: Samples
    """Mono at the call's rate, with a pause before and after the words."""


def sentences(count: int) -> Iterator[Sentence]:
    """The same ones each time, by several voices. One a process: espeak-ng is a singleton."""
    eligible = [text for text, _ in domain.sentences() if len(text.split()) >= SHORTEST_WORDS]
    texts = random.Random(0).sample(sorted(set(eligible)), count)
    espeak = Espeak()
    ways = itertools.cycle(itertools.product(VOICES, PITCHES, WORDS_A_MINUTE))
    noise = np.random.default_rng(0)
    for text, (voice, pitch, speed) in zip(texts, ways, strict=False):
        spoken = _speak(espeak, SpeakRequest(text, voice, pitch, speed))
        pauses = np.zeros(round(BEFORE_S * RATE)), np.zeros(round(AFTER_S * RATE))
        whole = np.concatenate([pauses[0], spoken, pauses[1]])
        whole += noise.integers(-NOISE_AMPLITUDE, NOISE_AMPLITUDE + 1, len(whole))
        yield Sentence(text, whole.clip(-32768, 32767).astype(np.int16))


def _speak(espeak: Espeak, request: SpeakRequest) -> Samples:
    pieces: list[bytes] = []

    def take(pcm: bytes) -> bool:
        pieces.append(pcm)
        return True

    espeak.speak(request, take)
    spoken = np.frombuffer(b"".join(pieces), np.int16)
    resampled: Samples = soxr.resample(spoken, espeak.rate, RATE)
    return resampled
