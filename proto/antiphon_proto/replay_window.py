"""Which counters of one sender were already seen.

https://datatracker.ietf.org/doc/html/rfc4303#section-3.4.3
"""

WINDOW = 64
"""How far behind the highest counter a reordered datagram may arrive."""

_MASK = (1 << WINDOW) - 1


class ReplayWindow:
    """Accepts each counter once, in any order within `WINDOW` of the highest."""

    __slots__ = ("_highest", "_seen")

    def __init__(self) -> None:
        self._highest = -1
        self._seen = 0
        """Bit i is set when `highest - i` was accepted."""

    def accept(self, counter: int) -> bool:
        """Record an authenticated counter; False when it is a replay or too old to tell."""
        ahead = counter - self._highest
        if ahead > 0:
            self._seen = (self._seen << min(ahead, WINDOW) | 1) & _MASK
            self._highest = counter
            return True
        if -ahead >= WINDOW or self._seen >> -ahead & 1:
            return False
        self._seen |= 1 << -ahead
        return True
