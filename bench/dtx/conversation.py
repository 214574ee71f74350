"""A conversation's spoken half: turns with pauses between them, over noise."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from antiphon.wav import RATE, Samples
from tests.e2e.speech import Speaker, silence

TURNS = (
    ("what is twelve plus thirty",),
    ("hello", "what time is it"),
    ("how do you spell elephant",),
    ("yes",),
    ("set a timer for five minutes",),
    ("good morning", "tell me the date"),
    ("how much is nine times seven",),
    ("no",),
    ("repeat after me the weather is nice",),
    ("thank you", "goodbye"),
    ("spell the word computer",),
    ("what is forty two divided by six",),
    ("okay", "what can you do"),
    ("cancel the timer",),
    ("how long is left on the timer",),
    ("stop",),
)
PAUSE_IN_TURN_S = 0.3
PAUSES_S = (0.7, 1.0, 1.5, 2.0)
"""Between turns, one after the other; a turn ends with half a second of silence."""


@dataclass(frozen=True, slots=True)
class Turn:
    text: str
    start_s: float
    end_s: float
    """Behind the last voiced sample."""

    def during(self, seconds: float) -> bool:
        return self.start_s < seconds < self.end_s


def conversation(speaker: Speaker) -> tuple[Samples, list[Turn]]:
    """All turns one after the other, without noise."""
    pieces, turns, at = [silence(1.0)], [], RATE
    for place, sentences in enumerate(TURNS):
        spoken: list[Samples] = []
        for sentence in sentences:
            spoken += [speaker.say(sentence), silence(PAUSE_IN_TURN_S)]
        pause = silence(PAUSES_S[place % len(PAUSES_S)])
        pieces += [*spoken[:-1], pause]
        end = at + sum(map(len, spoken[:-1]))
        turns.append(Turn(" ".join(sentences), at / RATE, end / RATE))
        at = end + len(pause)
    return np.concatenate(pieces), turns


def noisy(samples: Samples, below_db: float) -> Samples:
    """The samples over a hiss that lies `below_db` below their voiced parts."""
    noise = hiss(len(samples))
    voiced = samples[np.abs(samples) > 200].astype(float)
    gain = 10 ** (-below_db / 20) * np.sqrt(np.mean(voiced**2) / np.mean(noise**2))
    mixed: Samples = np.clip(samples + gain * noise, -32768, 32767).astype(np.int16)
    return mixed


def hiss(count: int) -> NDArray[np.float64]:
    """Noise with the spectrum of rooms and fans: 3 dB less an octave."""
    spectrum = np.fft.rfft(np.random.default_rng(7).normal(size=count))
    return np.fft.irfft(spectrum / np.sqrt(np.arange(len(spectrum)) + 1), count)
