"""What groups of processes use of the machine."""

import os
import time
from collections import defaultdict
from collections.abc import Mapping

import psutil

from loadtest.deployment.deployment import TierUse


class ProcessUse:
    """Of this process's descendants, by the sessions (setsid) that they are in."""

    def __init__(self) -> None:
        self._cpu_seconds: dict[int, float] = {}
        self._asked_at = time.monotonic()

    def take(self, tiers: Mapping[int, str]) -> TierUse:
        """Since the last time; `tiers` names the tier of each session.

        What a process used after the last time that it was seen alive is in no account.
        """
        now = time.monotonic()
        seconds, self._asked_at = max(now - self._asked_at, 1e-9), now
        cpu: dict[str, float] = defaultdict(float)
        memory: dict[str, int] = defaultdict(int)
        used: dict[int, float] = {}
        for process in psutil.Process().children(recursive=True):
            try:
                tier = tiers.get(os.getsid(process.pid))
                if tier is None:
                    continue
                used[process.pid] = cpu_seconds(process.pid)
                memory[tier] += process.memory_info().rss
            except (OSError, psutil.Error):
                continue  # it ended meanwhile
            cpu[tier] += (used[process.pid] - self._cpu_seconds.get(process.pid, 0.0)) / seconds
        self._cpu_seconds = used
        return TierUse(dict(cpu), dict(memory))


def cpu_seconds(pid: int) -> float:
    """Of all of its threads since it began, to the ns; OSError where it has ended.

    The clock's id is made as https://man7.org/linux/man-pages/man3/clock_getcpuclockid.3.html does.
    """
    return time.clock_gettime(~pid << 3 | 2)
