"""How much of a live stream waits without ever being needed: it is heard late for nothing.

An engine that speaks as it listens sends its audio as time passes. What comes late once, or
waits once because this worker was held up, would otherwise delay all that follows for good.
"""

WINDOW_FRAMES = 50
"""A second of 20 ms frames: what was not needed in it covers for no jitter that there is."""

TOLERATED_FRAMES = 1
"""May wait beyond the one that is due, so that a stream at the edge is not cut time and again."""


FRESH_FRAMES = 10
"""What comes at once behind a gap may be so much, as on the replica's side of the trunk; what is
older is not worth hearing late."""

_ANY = 1 << 30


class LiveLag:
    """Watches one stream's queue, once in every frame time."""

    __slots__ = ("_first", "_least", "_missed", "_seen")

    def __init__(self) -> None:
        self._first = 0
        self._least = _ANY
        self._seen = 0
        self._missed = 0
        """Frame times in a row, the last ones, for which nothing had come."""

    def surplus(self, waiting: int) -> int:
        """How many frames to drop now, of so many that wait, the one that is due among them."""
        missed, self._missed = self._missed, 0 if waiting else self._missed + 1
        late = min(missed, waiting - FRESH_FRAMES)
        if late > 0:
            self._least, self._seen = _ANY, 0
            return late
        if self._seen == 0:
            self._first = waiting
        self._least = min(self._least, waiting)
        self._seen += 1
        if self._seen < WINDOW_FRAMES:
            return 0
        # What was made ahead of time drains; what is late stays as much as it is.
        drains = waiting < self._first - TOLERATED_FRAMES
        beyond = self._least - 1
        self._least, self._seen = _ANY, 0
        return beyond if beyond > TOLERATED_FRAMES and not drains else 0
