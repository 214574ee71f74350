"""How the agent's voice is protected against loss, by what its receiver reports.

Measured by `python -m bench.opus_modes` (docs/decisions/0014-opus-modes.md): repeating frames
brings them back exactly at no CPU but twice the bits, so it is worth it from a loss that is
heard; in-band FEC costs a third of an encoder's CPU and some of the sound at all times, so it is
left to receivers that do not take repeated frames. A path without loss pays for neither.
"""

import math
from dataclasses import dataclass

from transceiver.rtp.reports import ReceptionReport

PROTECT_FROM = (0.01, 0.05)
"""Loss from which on frames are repeated once, and twice (or FEC is sent, from the first)."""

PROTECT_DOWN_TO = (0.005, 0.025)
"""Loss below which that ends. Half of where it began: a loss that hovers there changes nothing."""

RISE_PACKETS = 100
FALL_PACKETS = 500
"""Packets of which a report of more, or less, loss weighs as much as all before: protection
comes with the first report of trouble, and goes after some ten seconds of talk without."""

TRUSTED_S = 15.0
HALF_LIFE_S = 30.0
"""A loss halves so often once reports of fresh packets have failed to come for `TRUSTED_S`,
twice the longest interval of browsers' reports: it tells ever less of the path."""


@dataclass(frozen=True, slots=True)
class Protection:
    redundancy: int = 0
    """How many earlier frames each packet repeats."""
    expected_loss: float = 0.0
    """The part of frames, 0 to 1, for which in-band FEC should be sent."""


NO_PROTECTION = Protection()


class DownlinkProtection:
    """Of one stream, whose receiver may take redundant audio (`red`) and in-band FEC."""

    def __init__(self, *, red: bool, fec: bool) -> None:
        self._red = red
        self._fec = fec
        self._loss = 0.0
        self._reported_at = 0.0
        self._level = 0

    def receive(self, report: ReceptionReport, now: float) -> None:
        """Take the receiver's report; one that covers no packet of ours tells nothing."""
        packets = report.packets_expected
        if not packets:
            return
        loss = self._faded_loss(now)
        inertia = RISE_PACKETS if report.fraction_lost > loss else FALL_PACKETS
        self._loss = loss + (report.fraction_lost - loss) * packets / (packets + inertia)
        self._reported_at = now

    def at(self, now: float) -> Protection:
        """What to do from here on; call it when a report came, and when a talkspurt starts."""
        if not self._loss:
            return NO_PROTECTION
        loss = self._faded_loss(now)
        while self._level < len(PROTECT_FROM) and loss >= PROTECT_FROM[self._level]:
            self._level += 1
        while self._level and loss < PROTECT_DOWN_TO[self._level - 1]:
            self._level -= 1
        if not self._level:
            return NO_PROTECTION
        if self._red:
            return Protection(redundancy=self._level)
        return Protection(expected_loss=loss) if self._fec else NO_PROTECTION

    def _faded_loss(self, now: float) -> float:
        stale_s = max(0.0, now - self._reported_at - TRUSTED_S)
        return self._loss * math.exp2(-stale_s / HALF_LIFE_S)
