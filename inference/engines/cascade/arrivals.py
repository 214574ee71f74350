"""When the samples of a session's input arrived, for as long as a turn may look back."""

from collections import deque

MAX_WINDOWS = 512
"""16 s of windows: more than the longest pause that is waited for."""


class Arrivals:
    """Remembers the latest windows."""

    def __init__(self) -> None:
        self._windows: deque[tuple[int, float]] = deque(maxlen=MAX_WINDOWS)

    def note(self, end: int, now: float) -> None:
        """The window that ends before sample `end` was complete at `now`."""
        self._windows.append((end, now))

    def of(self, end: int) -> float | None:
        """When the window that ends before sample `end` was complete; None if long ago."""
        for window_end, arrived in reversed(self._windows):
            if window_end <= end:
                return arrived if window_end == end else None
        return None
