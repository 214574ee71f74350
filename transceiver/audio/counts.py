"""What became of clients' audio: plain integers, which calls may share."""

import math
from dataclasses import dataclass, field

from transceiver.rtp.reordering import ReorderingCounts

COUNT_RATE = math.lcm(48_000, 44_100, 32_000)
"""The usual rates of engines divide it."""


@dataclass(slots=True)
class AudioCounts:
    """Sound given out, in parts of a second (`COUNT_RATE`), by where it came from; packets."""

    decoded: int = 0
    recovered: int = 0
    """Lost, and made up from FEC or by concealment."""
    silence: int = 0
    redundant: int = 0
    """Packets that were lost and came along with a later one."""
    silent: int = 0
    """Packets of digital silence by their audio level, which were not decoded."""
    malformed: int = 0
    """Packets that are not of the codec, or not redundant audio."""
    reordering: ReorderingCounts = field(default_factory=ReorderingCounts)
