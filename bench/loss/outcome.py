"""What came of one sentence over one path at one receiver."""

from dataclasses import dataclass
from typing import NamedTuple


class FrameCounts(NamedTuple):
    """What became of a stream's frames."""

    came: int = 0
    """Their packet was not lost."""
    discarded: int = 0
    """Of those, the ones that were not decoded."""
    lost: int = 0
    recovered: int = 0
    """Of those, the ones whose own payload was decoded all the same."""

    def plus(self, other: "FrameCounts") -> "FrameCounts":
        return FrameCounts(*(mine + its for mine, its in zip(self, other, strict=True)))


@dataclass(frozen=True, slots=True)
class Outcome:
    words: int
    errors: int
    pesq: float
    """Against the same receiver's sound of the same packets, none lost."""
    frames: FrameCounts
    delays_s: list[float]
    lasting_delay_s: float
    """Of the last sound, after all losses."""
