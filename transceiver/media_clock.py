"""When each call is served: once in every frame time, at a phase of its own.

Calls that were all served together would hold each other up: the last of fifty
leaves its frame after forty-nine encoders ran. Spread over slots of 1.25 ms, a frame
waits for the few of its own slot.
"""

import math
from collections.abc import Sequence
from typing import Generic, TypeVar

FRAME_S = 0.020
SLOTS = 16
"""Even, for calls whose frames last half as long. Fewer would make frames wait for more of their
like, and what arrives for the next slot; more would wake the worker more often, which costs a
core more than all it does for a call: docs/decisions/0020-phases.md."""

MAX_LAG_S = 0.1
"""A clock further behind than this goes on from now, instead of catching up in a burst."""

Served = TypeVar("Served")


class MediaClock(Generic[Served]):
    """A wheel of slots; whoever is in one is due once in every turn of `FRAME_S`.

    Take what is due with `take`, at `due_at` or after it.
    """

    def __init__(self, now: float, slots: int = SLOTS) -> None:
        self._slots: list[list[Served]] = [[] for _ in range(slots)]
        self._slot_s = FRAME_S / slots
        self._epoch = now
        self._next = 0
        self.skipped = 0
        """Services that were left out, because the clock was too far behind."""

    @property
    def due_at(self) -> float:
        """When the next slot is due; never while nobody is served."""
        return self._next_at if any(self._slots) else math.inf

    @property
    def dense(self) -> bool:
        """Whether every slot has somebody to serve."""
        return all(self._slots)

    def add(self, served: Served, now: float, *, times: int = 1) -> None:
        """Serve it from here on, `times` (1 or 2) in each turn, where the fewest others are,
        and of such places at the next one."""
        if not any(self._slots):
            self._start_at(now)
        turn = len(self._slots)
        apart = turn // times
        soon = range(self._next, self._next + apart)
        first = min(soon, key=lambda slot: len(self._slots[slot % turn]))
        for slot in range(first, first + turn, apart):
            self._slots[slot % turn].append(served)

    def remove(self, served: Served) -> None:
        """Serve it no longer; harmless when it is not served."""
        for slot in self._slots:
            if served in slot:
                slot.remove(served)

    def take(self, now: float) -> tuple[float, Sequence[Served]]:
        """When the slot that is next was due, and who is in it."""
        if now - self._next_at > MAX_LAG_S:
            self._skip_to(now)
        due, served = self._next_at, tuple(self._slots[self._next % len(self._slots)])
        self._next = self._following(self._next)
        return due, served

    @property
    def _next_at(self) -> float:
        return self._epoch + self._next * self._slot_s

    def _start_at(self, now: float) -> None:
        """It stood still while nobody was served, which is no lag."""
        self._next += max(0, math.ceil((now - self._next_at) / self._slot_s))

    def _following(self, slot: int) -> int:
        """The next slot that somebody is in, or as far ahead as a turn."""
        turn = len(self._slots)
        for ahead in range(slot + 1, slot + turn):
            if self._slots[ahead % turn]:
                return ahead
        return slot + turn

    def _skip_to(self, now: float) -> None:
        turns = int((now - self._next_at) / FRAME_S)
        self._next += turns * len(self._slots)
        self.skipped += turns * sum(map(len, self._slots))
