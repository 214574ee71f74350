"""Sound files that phones take for their microphone."""

import wave
from pathlib import Path

from antiphon.wav import RATE, Samples

SILENCE_S = 60
"""Behind what is said: phones begin a file anew where it ends."""


def write_microphone(path: Path, samples: Samples, rate: int) -> None:
    """At `rate`, which divides the samples' own."""
    step = RATE // rate
    spoken = samples[: len(samples) // step * step].reshape(-1, step).mean(axis=1)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(spoken.astype("<i2").tobytes() + bytes(2 * rate * SILENCE_S))
