"""How long a thread has run, and has waited to run."""

import contextlib
import os
import time

from transceiver.load_meter import ThreadTime


class ThreadClock:
    """Reads the times of the thread that made it.

    A kernel without `CONFIG_SCHED_INFO` does not say how long threads waited: then it is 0.
    https://docs.kernel.org/scheduler/sched-stats.html#proc-pid-schedstat
    """

    def __init__(self) -> None:
        self._file: int | None = None
        with contextlib.suppress(OSError):
            self._file = os.open("/proc/thread-self/schedstat", os.O_RDONLY | os.O_CLOEXEC)

    def read(self) -> ThreadTime:
        """Call from the thread that made the clock."""
        if self._file is None:
            return ThreadTime(time.thread_time(), 0.0)
        ran, waited, _slices = os.pread(self._file, 64, 0).split()
        return ThreadTime(int(ran) / 1e9, int(waited) / 1e9)

    def close(self) -> None:
        """Let go of the file; `read` goes on with the running time alone."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
