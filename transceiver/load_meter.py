"""How busy a worker is, and whether one more call fits."""

import math
from collections import deque
from typing import NamedTuple

SAMPLE_S = 0.25
"""How often to call `sample`: an overload is seen before a listener would."""

SMOOTHING_S = 2.0
"""Time constant of the load: speech comes and goes within seconds, calls do not."""

SETTLING_S = 1.0
"""A call's cost begins to show by then: its client has connected."""

PRIOR_COST = 0.01
"""Share of a core that a call is taken to cost before any was measured."""

PRIOR_CALLS = 10
"""How many calls' measured costs weigh as much as that assumption."""


class ThreadTime(NamedTuple):
    """Seconds since the thread began."""

    ran_s: float
    waited_s: float
    """Ready to run, while others had the core or its cgroup's quota was used up."""


class LoadMeter:
    """Load of one thread from its running times; sans-IO.

    The load is the share of the time in which the thread ran, of that in which it could have:
    waiting for a core that others use is no time that it could have had. So it is 1 when the
    thread never sleeps, on a busy machine as on an idle one.

    What calls cost that were just admitted is not in the load yet. Each is reserved what calls
    have cost so far, in full until it has settled, and then less as the load comes to show it.
    """

    def __init__(self, now: float, time: ThreadTime) -> None:
        self.load = 0.0
        """0 to 1, smoothed."""
        self._sampled_at, self._time = now, time
        self._settled_calls = 0.0
        self._fresh: deque[float] = deque()
        self._reserved = 0.0

    def sample(self, now: float, time: ThreadTime, calls: int) -> None:
        """Take what the thread has used since it began, with so many calls open."""
        elapsed = now - self._sampled_at
        available = elapsed - (time.waited_s - self._time.waited_s)
        ran = time.ran_s - self._time.ran_s
        if elapsed <= 0:
            return
        self._sampled_at, self._time = now, time
        fading = math.exp(-elapsed / SMOOTHING_S)
        current = min(1.0, max(0.0, ran / available)) if available > 0 else 1.0
        self.load = fading * self.load + (1 - fading) * current
        self._reserved *= fading
        self._settle(now)
        settled = max(0, calls - len(self._fresh))
        self._settled_calls = fading * self._settled_calls + (1 - fading) * settled

    @property
    def cost(self) -> float:
        """Load that one call adds, as far as is known."""
        return (self.load + PRIOR_COST * PRIOR_CALLS) / (self._settled_calls + PRIOR_CALLS)

    @property
    def expected(self) -> float:
        """The load once every admitted call shows in it."""
        return self.load + self._reserved + len(self._fresh) * self.cost

    def fits_one_more(self, limit: float) -> bool:
        """Whether the load is expected to stay within `limit` with another call."""
        return self.expected + self.cost <= limit

    def admitted(self, now: float) -> None:
        """A call was admitted, whose cost does not show yet."""
        self._fresh.append(now)

    def _settle(self, now: float) -> None:
        while self._fresh and self._fresh[0] <= now - SETTLING_S:
            self._fresh.popleft()
            self._reserved += self.cost
