"""How long after a client spoke it each frame reached the engine, and what a loss does to that."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.transceiver.frame_notes import Note
from bench.transceiver.generator import FRAME_S

BEFORE_FRAMES = 100
"""Those directly before the loss, which say what the delay had been."""
ONCE_FRAMES = 25
"""Those directly after it, whose worst delay is what it costs once."""
LASTING_AFTER_FRAMES = 100
"""When those begin whose delay is what it costs for good."""


@dataclass(frozen=True, slots=True)
class LossDelay:
    """Seconds that are added to a call's delay by one lost packet."""

    once: float
    lasting: float


def frame_delays(spoken_at: Sequence[float], notes: Sequence[Note]) -> dict[int, float]:
    """Seconds from speaking to the engine, by the frame's number."""
    delays: dict[int, float] = {}
    for media_seconds, at in notes:
        frame = round(media_seconds / FRAME_S)
        if 0 <= frame < len(spoken_at):
            delays[frame] = at - spoken_at[frame]
    return delays


def loss_delay(delays: Mapping[int, float], lost: int) -> LossDelay | None:
    """What the loss of one frame did; None where there are no frames to tell it from."""

    def between(first: int, end: int) -> list[float]:
        return [delays[frame] for frame in range(first, end) if frame in delays]

    before = between(lost - BEFORE_FRAMES, lost)
    at_once = between(lost + 1, lost + ONCE_FRAMES)
    lasting = between(lost + LASTING_AFTER_FRAMES, max(delays, default=0) + 1)
    if not (before and at_once and lasting):
        return None
    usual = statistics.median(before)
    return LossDelay(max(at_once) - usual, statistics.median(lasting) - usual)
