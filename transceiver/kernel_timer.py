"""A timer that rings when it is due: event loops round to milliseconds, up or down.

uvloop takes less than half a millisecond for none at all, so that a loop which waits for such a
time spins. https://man7.org/linux/man-pages/man2/timerfd_create.2.html
"""

import asyncio
import contextlib
import ctypes
import math
import os
import struct
from collections.abc import Callable

_CLOCK_MONOTONIC = 1
_TFD_NONBLOCK = os.O_NONBLOCK
_TFD_CLOEXEC = os.O_CLOEXEC
_TFD_TIMER_ABSTIME = 1
_EXPIRATIONS_BYTES = 8
_ITIMERSPEC = struct.Struct("@4l")
"""Seconds and nanoseconds of the interval, and of the time of the first ring."""

_libc = ctypes.CDLL(None, use_errno=True)
_settime = _libc.timerfd_settime
_settime.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p]


class KernelTimer:
    """Calls `ring` on the running event loop at the time that it was set to last."""

    def __init__(self, ring: Callable[[], None]) -> None:
        """Raises OSError when the kernel has none left."""
        self._fd = _libc.timerfd_create(_CLOCK_MONOTONIC, _TFD_NONBLOCK | _TFD_CLOEXEC)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create failed")
        self._ring = ring
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._fd, self._expired)

    def set(self, at: float) -> None:
        """Ring once, at a time of the monotonic clock in seconds; at once when it has passed,
        and not at all when it is infinite."""
        # Zero stops the timer.
        seconds, fraction = divmod(max(at, 1e-9), 1.0) if at < math.inf else (0.0, 0.0)
        _settime(
            self._fd,
            _TFD_TIMER_ABSTIME,
            _ITIMERSPEC.pack(0, 0, int(seconds), int(fraction * 1e9)),
            None,
        )

    def close(self) -> None:
        self._loop.remove_reader(self._fd)
        os.close(self._fd)

    def _expired(self) -> None:
        # Set anew since the loop saw it ring: then there is nothing to read.
        with contextlib.suppress(BlockingIOError):
            os.read(self._fd, _EXPIRATIONS_BYTES)
            self._ring()
