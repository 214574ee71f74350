"""How often a call's client may offer anew.

A client does so when it changes networks or holds the call, so a few times an hour; each
offer costs about as much as that of a new call.
"""

BURST = 10
"""Offers that may come at once: networks change in bunches, and answers get lost."""

REFILL_S = 6.0
"""How long until another one may come."""


class ReofferLimit:
    """One call's account, on the caller's clock."""

    def __init__(self, now: float) -> None:
        self._full_at = now

    def spend(self, now: float) -> float:
        """Take one offer; 0, or for how many seconds it came too early and was not taken."""
        full_at = max(self._full_at, now) + REFILL_S
        excess = full_at - now - BURST * REFILL_S
        if excess > 0:
            return excess
        self._full_at = full_at
        return 0.0
