"""When a relay that shall stop may do so."""

from dataclasses import dataclass

QUIET_S = 3.0
"""A client sends every few seconds even in silence: by then nobody speaks any more."""


@dataclass
class DrainWatch:
    """Follows what the workers count. Times are seconds of one monotonic clock."""

    deadline: float
    _forwarded: int = -1
    _changed_at: float = 0.0

    def over(self, *, bound: int | None, forwarded: int, now: float) -> str | None:
        """Why the relay may stop; None while it may not.

        `bound` flows are left, None while a worker is coming up and nobody knows.
        `forwarded` packets were forwarded so far.
        """
        if forwarded != self._forwarded or bound is None:
            self._forwarded, self._changed_at = forwarded, now
        if bound == 0:
            return "no call is left"
        if now >= self.deadline:
            return "the time to drain is over"
        if now - self._changed_at >= QUIET_S:
            return "nobody speaks any more"
        return None
