"""When a tier that ended by itself is started again, and when that is given up."""

from collections import deque

WINDOW_S = 60.0
MOST_ENDS = 5
FIRST_BACKOFF_S, LONGEST_BACKOFF_S = 0.25, 4.0


class RestartPolicy:
    """A first end is answered at once: calls that outlive the tier are waiting for it."""

    def __init__(self) -> None:
        self._ends: deque[float] = deque()

    def ended(self, now: float) -> float | None:
        """Note an end at `now`. Returns the seconds to wait before a new start, None to give up."""
        while self._ends and self._ends[0] <= now - WINDOW_S:
            self._ends.popleft()
        self._ends.append(now)
        earlier = len(self._ends) - 1
        if earlier >= MOST_ENDS:
            return None
        return min(FIRST_BACKOFF_S * 2 ** (earlier - 1), LONGEST_BACKOFF_S) if earlier else 0.0
