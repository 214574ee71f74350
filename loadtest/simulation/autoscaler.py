"""How many pods an autoscaler wants, of what it saw some time ago.

https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#algorithm-details
"""

import math
from collections import deque

from loadtest.simulation.scenario import Autoscaling


class Autoscaler:
    """Of one tier in one region; ask it every `interval_seconds`."""

    def __init__(self, settings: Autoscaling, maximum: int, room: int) -> None:
        """`room`: sessions that a pod takes."""
        self._settings = settings
        self._target = settings.target * room
        self._maximum = maximum
        self._seen: deque[tuple[float, int]] = deque()
        self._wanted: deque[tuple[float, int]] = deque()

    def begin_anew(self, now: float, pods: int) -> None:
        """It has seen nothing yet, and wants what is there."""
        self._seen.clear()
        self._wanted = deque([(now, pods)])

    def want(self, now: float, pods: int, sessions: int) -> int:
        """How many pods there are to be, where `pods` are there or start, with so many sessions."""
        wanted = self._of_metric(pods, self._delayed(now, sessions))
        self._wanted.append((now, wanted))
        while self._wanted[0][0] < now - self._settings.settle_seconds:
            self._wanted.popleft()
        highest = max(number for _at, number in self._wanted)
        if wanted < pods:
            return min(pods, highest)
        return min(wanted, math.ceil(pods * self._settings.growth))

    def _delayed(self, now: float, sessions: int) -> int:
        """The newest number that is old enough to be known; the oldest while none is."""
        self._seen.append((now, sessions))
        known_at = now - self._settings.metric_delay_seconds
        while len(self._seen) > 1 and self._seen[1][0] <= known_at:
            self._seen.popleft()
        return self._seen[0][1]

    def _of_metric(self, pods: int, sessions: int) -> int:
        settings = self._settings
        enough = sessions / self._target
        alike = abs(enough - pods) <= settings.tolerance * pods
        wanted = pods if alike else math.ceil(enough)
        return max(settings.minimum, min(self._maximum, wanted))
