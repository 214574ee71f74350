"""Questions of the embedded agent's domain, by several voices, as a microphone gives them."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import soxr

from antiphon.wav import Samples
from bench.inference.callers_voice import RATE, say
from inference.engines.cascade import domain

VOICES = ("espeak:en-us", "espeak:en-gb", "flite:awb", "flite:slt", "flite:rms", "flite:kal16")
SHORTEST_WORDS = 3
BEFORE_MS, AFTER_MS = 400, 600


@dataclass(frozen=True, slots=True)
class Sentence:
    text: str
    voice: str
    samples: Samples
    """At 16 kHz, with a pause before and after the words."""

    def at(self, rate: int) -> Samples:
        """The samples at another rate, all that fits into its band."""
        resampled = soxr.resample(self.samples.astype(np.float64), RATE, rate)
        return np.asarray(resampled.clip(-32768, 32767), "<i2")


def texts(count: int) -> list[str]:
    """The same ones each time."""
    eligible = {text for text, _ in domain.sentences() if len(text.split()) >= SHORTEST_WORDS}
    return random.Random(1).sample(sorted(eligible), count)


def spoken(said: list[str], voices: tuple[str, ...] = VOICES) -> Iterator[Sentence]:
    """Each by each voice. Raises VoiceMissingError where flite is not installed."""
    for text in said:
        for voice in voices:
            pcm = say(text, voice, before_ms=BEFORE_MS, after_ms=AFTER_MS)
            yield Sentence(text, voice, np.frombuffer(pcm, "<i2"))
