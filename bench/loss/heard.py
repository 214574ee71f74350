"""What a receiver made of a stream."""

from dataclasses import dataclass

import numpy as np

from antiphon.wav import Samples

ENGINE_RATE = 16_000
"""Samples a second that the recogniser takes."""


@dataclass(frozen=True, slots=True)
class Heard:
    samples: Samples
    """At `ENGINE_RATE`, each at its place on the sender's clock; silence where there is none."""
    delays_s: list[float]
    """Of each run of sound in order: from when it was sent to when it was handed on, on a
    path that takes no time."""
    payloads: list[bytes]
    """What was decoded."""


def placed(runs: list[tuple[int, Samples]], count: int) -> Samples:
    """`count` samples of silence, with the runs put where they start."""
    timeline = np.zeros(count, np.int16)
    for start, run in runs:
        end = min(start + len(run), count)
        if 0 <= start < end:
            timeline[start:end] = run[: end - start]
    return timeline
