"""Frames that nobody sent, of a stream that has no pauses.

A server that stands still for a while sends no frames in it, and goes on as if nothing had been:
no sequence number is missing, no frame is late. Only the timestamps tell.
"""

MOST_AT_ONCE = 3000
"""A longer one is a jump of the sender's clock."""


class SkippedFrames:
    """Ask for `more` each time that something came."""

    def __init__(self, frame_ticks: int) -> None:
        """From one frame's timestamp to the next one's."""
        self._frame_ticks = frame_ticks
        self._known = 0

    def more(self, ticks: int, known: int) -> int:
        """Skipped since the last time. `ticks` is from the first frame's timestamp to the last
        one's, `known` how many frames from the one to the other came, are missing or were
        dropped on purpose."""
        skipped = ticks // self._frame_ticks + 1 - known
        more, self._known = skipped - self._known, max(self._known, skipped)
        return more if 0 < more <= MOST_AT_ONCE else 0
