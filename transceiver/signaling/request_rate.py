"""How many requests one API key may send: a bucket that refills evenly within a minute."""

import math
from dataclasses import dataclass

PERIOD_S = 60.0


@dataclass(frozen=True, slots=True)
class Allowance:
    """What the bucket holds after a request."""

    limit: int
    remaining: int
    reset_s: float
    """Until it is full again."""
    wait_s: float = 0.0
    """Until the request may be sent that was not taken; 0 for one that was."""

    @property
    def headers(self) -> dict[str, str]:
        """https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers"""
        return {
            "x-ratelimit-limit-requests": str(self.limit),
            "x-ratelimit-remaining-requests": str(self.remaining),
            "x-ratelimit-reset-requests": f"{math.ceil(1000 * self.reset_s)}ms",
        }


class RequestRate:
    """One key's bucket, on the caller's clock: a minute's requests may come at once."""

    def __init__(self, now: float) -> None:
        self._full_at = now

    def spend(self, limit: int, now: float) -> Allowance:
        """Take one request of `limit` (from 1 up) a minute, if the bucket holds one."""
        interval = PERIOD_S / limit
        full_at = min(max(self._full_at, now), now + PERIOD_S)
        excess = full_at + interval - now - PERIOD_S
        if excess > 1e-9:
            return Allowance(limit, 0, full_at - now, wait_s=excess)
        self._full_at = full_at + interval
        reset_s = self._full_at - now
        return Allowance(limit, math.floor((PERIOD_S - reset_s) / interval + 1e-9), reset_s)
