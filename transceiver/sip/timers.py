"""The clock of a user agent: what is to happen when.

Values of RFC 3261's table 4: https://www.rfc-editor.org/rfc/rfc3261#appendix-A
"""

import heapq
import itertools
import math
from collections.abc import Callable

T1 = 0.5
"""A round trip, and the first interval between repetitions."""
T2 = 4.0
"""The longest interval between repetitions of other requests than INVITE, and of responses."""
T4 = 5.0
"""For how long a network holds on to a message."""
GIVE_UP_S = 64 * T1
"""Timers B, F, H, J, L and M: who has not answered by then will not."""
_KEPT_CANCELLED = 64

TIMER_D_S = 32.0
"""For how long a refused INVITE's client acknowledges repetitions over UDP."""


class Timer:
    """Something that is to happen once."""

    __slots__ = ("_on_cancel", "action")

    def __init__(self, action: Callable[[], None], on_cancel: Callable[[], None]) -> None:
        self.action: Callable[[], None] | None = action
        """None when it has happened, or is not to happen any more."""
        self._on_cancel = on_cancel

    def cancel(self) -> None:
        """It does not happen; harmless afterwards."""
        if self.action is not None:
            self.action = None
            self._on_cancel()


class Timers:
    """By a clock that is given, in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._heap: list[tuple[float, int, Timer]] = []
        self._numbers = itertools.count()
        self._cancelled = 0
        """How many of the heap are."""

    def __len__(self) -> int:
        """How many are kept, some of them in vain."""
        return len(self._heap)

    @property
    def due_at(self) -> float:
        """When the next action is due; infinity where there is none."""
        while self._heap and self._heap[0][2].action is None:
            heapq.heappop(self._heap)
            self._cancelled -= 1
        return self._heap[0][0] if self._heap else math.inf

    def now(self) -> float:
        return self._clock()

    def after(self, delay: float, action: Callable[[], None]) -> Timer:
        timer = Timer(action, self._count_cancelled)
        heapq.heappush(self._heap, (self._clock() + delay, next(self._numbers), timer))
        return timer

    def tick(self) -> None:
        """Do what is due by now, in order."""
        now = self._clock()
        while self.due_at <= now:
            timer = heapq.heappop(self._heap)[2]
            action, timer.action = timer.action, None
            assert action is not None
            action()

    def _count_cancelled(self) -> None:
        """Most timers are cancelled long before they are due: keep no more of them than others."""
        self._cancelled += 1
        if self._cancelled > _KEPT_CANCELLED and 2 * self._cancelled > len(self._heap):
            self._heap = [each for each in self._heap if each[2].action is not None]
            heapq.heapify(self._heap)
            self._cancelled = 0
