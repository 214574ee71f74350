"""What became of the agent's voice on its way to clients: plain numbers, which calls share."""

from collections import Counter
from dataclasses import dataclass, field

from transceiver.audio.opus_mode import OpusMode


@dataclass(slots=True)
class DownlinkCounts:
    talkspurts: Counter[OpusMode] = field(default_factory=Counter)
    """Begun in Opus, by how they were coded then."""
    redundant_packets: int = 0
    """Sent as redundant audio."""
    reported_packets: int = 0
    """Those that receivers' reports cover."""
    reported_lost: float = 0.0
    """Of them, lost before any repair: a sum of fractions."""
