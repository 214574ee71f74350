"""How much silence a listener is due while a sender sends nothing."""

FRAME_S = 0.020
MAX_S = 10.0
"""Longest run of silence given out; the clock jumps over what exceeds it."""

DTX_MARGIN_S = 0.020
STALL_MARGIN_S = 0.500
"""How far live silence stays behind the clock, where the sender announced a pause
(DTX) and where its packets just stopped coming, so that a late one finds its place.
Each millisecond of the first is one by which a turn's end is found later."""

CLOCK_SLACK_S = 1.0
"""How far a gap in timestamps may exceed the time that passed before it is taken for
a jump of the sender's clock."""

MAX_CARRIED_S = 0.200
"""How much of a pause is withheld at most to be back on the sender's clock."""


class LiveSilence:
    """Silence as it passes: the end of a turn is heard as silence, and must not wait for
    the sender to speak again.

    What packets then turn out to have followed was invented: the next pauses are as much
    shorter.
    """

    __slots__ = (
        "_carried",
        "_frame",
        "_max",
        "_max_carried",
        "_rate",
        "announced",
        "filled",
        "heard_at",
    )

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._frame = int(rate * FRAME_S)
        self._max = int(rate * MAX_S)
        self._max_carried = int(rate * MAX_CARRIED_S)
        self._carried = 0
        self.filled = 0
        """Samples given out since the last packet."""
        self.heard_at = 0.0
        """When the last packet was played."""
        self.announced = False
        """Whether it said that a pause begins."""

    def restart(self) -> None:
        """Another stream begins: nothing was given out of its pauses."""
        self.filled = self._carried = 0

    def due(self, now: float) -> int:
        """The samples to give out now, whole frames; they count as given."""
        margin = DTX_MARGIN_S if self.announced else STALL_MARGIN_S
        passed = min(now - self.heard_at - margin, MAX_S)
        samples = (int(passed * self._rate) - self._carried) // self._frame * self._frame
        due = max(0, samples - self.filled)
        self.filled += due
        return due

    def settle(self, gap: int, now: float, *, lost: bool) -> tuple[int, int]:
        """Ends the gap before a packet, of so many samples by its timestamp.

        Returns how many of them nobody is to hear, and how many are left to fill after
        those. `lost`: packets were, so that the gap is no pause.
        """
        gap = min(gap, int((now - self.heard_at + CLOCK_SLACK_S) * self._rate))
        left = gap - self.filled - (0 if lost else self._carried)
        surplus = max(0, -left) + (self._carried if lost else 0)
        audible = max(0, min(left, self._max - self.filled))
        self._carried = min(surplus, self._max_carried)
        self.filled = 0
        return max(0, left - audible), audible
