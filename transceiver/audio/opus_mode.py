"""How our frames are coded in Opus: by which of its coders, at what bitrate and cost.

What each costs and how it sounds: docs/decisions/0014-opus-modes.md.
"""

import enum
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OpusTuning:
    bitrate: int
    """Bits a second, on average."""
    complexity: int
    """0 to 10: what CPU is spent on the sound of those bits."""
    silk: bool
    """Whether SILK codes what is below 8 kHz. It can repeat the frame before in a few bits
    (in-band FEC), CELT cannot."""


class OpusMode(enum.Enum):
    """The value is the metrics' label."""

    VOIP = "voip"
    """SILK, and CELT above 8 kHz: the best sound for its bits, and in-band FEC."""
    CELT = "celt"
    """Twice the bits for a better sound and a fifth of the CPU."""
    CELT_HALVED = "celt_halved"
    """CELT for frames that are sent twice, in the bits of those that are not."""

    @property
    def tuning(self) -> OpusTuning:
        return _TUNINGS[self]


_TUNINGS = {
    OpusMode.VOIP: OpusTuning(bitrate=32000, complexity=5, silk=True),
    OpusMode.CELT: OpusTuning(bitrate=64000, complexity=0, silk=False),
    OpusMode.CELT_HALVED: OpusTuning(bitrate=32000, complexity=0, silk=False),
}
