"""The paths and the receivers that are compared."""

from dataclasses import dataclass
from enum import Enum

from bench.loss.channel import Pattern

LOSSES = (0.0, 0.02, 0.05, 0.10, 0.20)


class Receiver(Enum):
    RED = "red"
    """Antiphon, from redundant packets as Chromium sends them."""
    FEC = "fec"
    """Antiphon, from plain packets with what in-band FEC they have."""
    AIORTC = "aiortc"
    """aiortc, from the same plain packets."""


@dataclass(frozen=True, slots=True)
class Condition:
    pattern: Pattern
    loss: float
    receiver: Receiver

    def __str__(self) -> str:
        return f"{self.pattern.value}.loss{100 * self.loss:.0f}.{self.receiver.value}"


CONDITIONS = [
    Condition(pattern, loss, receiver)
    for pattern in Pattern
    for loss in LOSSES
    for receiver in Receiver
    if loss or pattern is Pattern.RANDOM
]
