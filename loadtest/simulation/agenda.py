"""What is to happen beside the calls, by time."""

import heapq
import math
from collections.abc import Callable

Action = Callable[[], None]


class Agenda:
    """Actions of the same time come in the order in which they were planned."""

    def __init__(self) -> None:
        self._planned: list[tuple[float, int, Action]] = []
        self._number = 0

    @property
    def next_at(self) -> float:
        """Infinity where nothing is planned."""
        return self._planned[0][0] if self._planned else math.inf

    def plan(self, at: float, action: Action) -> None:
        heapq.heappush(self._planned, (at, self._number, action))
        self._number += 1

    def run_due(self, now: float) -> None:
        while self.next_at <= now:
            heapq.heappop(self._planned)[2]()
