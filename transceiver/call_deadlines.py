"""When a call has lasted, or been silent, for too long."""

import math

from transceiver.close_reason import CloseReason

SETUP_TIMEOUT_S = 30.0


class CallDeadlines:
    """Follows one call's life. Times are seconds of one clock, `now` when it began."""

    __slots__ = ("_active_at", "_end", "_idle_s", "_setup_end", "_speaking")

    def __init__(self, now: float, *, max_s: float, idle_s: float) -> None:
        """`idle_s` of 0 allows any silence."""
        self._setup_end = now + SETUP_TIMEOUT_S
        self._end = now + max_s
        self._idle_s = idle_s or math.inf
        self._active_at = now
        self._speaking = False

    def await_client(self, now: float) -> None:
        """The client's way is known from here on only: the time to connect begins."""
        self._setup_end = now + SETUP_TIMEOUT_S

    def active(self, now: float) -> None:
        """The agent speaks, or the client sent an event."""
        self._active_at = now

    def user_speaks(self, now: float, *, speaking: bool) -> None:
        """The user began to speak or ended: in between no call is idle."""
        self._speaking = speaking
        self._active_at = now

    def passed(self, now: float, *, connected: bool) -> CloseReason | None:
        """Why the call must end, if it must; `connected` once its client has come."""
        if not connected and now > self._setup_end:
            return CloseReason.SETUP_TIMEOUT
        if now > self._end:
            return CloseReason.MAX_DURATION
        if not self._speaking and now - self._active_at > self._idle_s:
            return CloseReason.IDLE
        return None
