"""Which Opus mode a worker's calls are coded in: the cheap one when it runs short of CPU.

VOIP gives the best sound for its bits and CELT spends twice the bits for a fifth of the CPU
(`python -m bench.opus_modes`, docs/decisions/0014-opus-modes.md): clients' paths are spared as
long as there is CPU to do so.
"""

import enum
from collections.abc import Callable

from transceiver.audio.downlink_protection import Protection
from transceiver.audio.opus_mode import OpusMode

SHORT_ABOVE = 0.6
"""Of the load: calls are still taken, but a burst of talk would make frames late."""

AMPLE_BELOW = 0.3
"""CELT can halve a load: above half of `SHORT_ABOVE`, calls would swing between both."""


class OpusChoice(enum.StrEnum):
    """An operator's, in the settings."""

    AUTO = "auto"
    VOIP = "voip"
    CELT = "celt"

    @classmethod
    def parse(cls, text: str) -> "OpusChoice":
        """Raises ValueError."""
        if text not in list(cls):
            raise ValueError(f"expected {', '.join(cls)}, not {text!r}")
        return cls(text)


class EncoderPolicy:
    """One a worker; `load` gives its load, 0 to 1."""

    def __init__(self, choice: OpusChoice, load: Callable[[], float]) -> None:
        self._choice = choice
        self._load = load
        self._short = False

    def mode(self, protection: Protection) -> OpusMode:
        """For a stream so protected; ask when a talkspurt starts or the protection changes.

        In-band FEC needs VOIP: a lossy path that takes nothing else gets it at any load.
        """
        if self._choice is OpusChoice.VOIP:
            return OpusMode.VOIP
        if self._choice is OpusChoice.AUTO and (
            protection.expected_loss or not self._is_cpu_short()
        ):
            return OpusMode.VOIP
        return OpusMode.CELT_HALVED if protection.redundancy else OpusMode.CELT

    def _is_cpu_short(self) -> bool:
        load = self._load()
        if load > SHORT_ABOVE:
            self._short = True
        elif load < AMPLE_BELOW:
            self._short = False
        return self._short
