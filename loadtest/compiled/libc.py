"""The calls of the C library that compiled code makes.

By name and not by address, which would keep the machine code from being kept on disk.
Pointers are plain numbers: bounds checks do not cover what the kernel does with them.
"""

import platform
from typing import Any

from numba import types

from loadtest.compiled.compiling import jit

_i32, _u32, _i64, _pointer = types.int32, types.uint32, types.int64, types.uintp


def _external(name: str, result: Any, *arguments: Any) -> Any:
    return types.ExternalFunction(name, result(*arguments))


recv = _external("recv", _i64, _i32, _pointer, _pointer, _i32)
send = _external("send", _i64, _i32, _pointer, _pointer, _i32)
recvmmsg = _external("recvmmsg", _i32, _i32, _pointer, _u32, _i32, _pointer)
sendmmsg = _external("sendmmsg", _i32, _i32, _pointer, _u32, _i32)
epoll_wait = _external("epoll_wait", _i32, _i32, _pointer, _i32, _i32)
_clock_gettime = _external("clock_gettime", _i32, _i32, _pointer)

MSG_DONTWAIT = 0x40
_CLOCK_MONOTONIC = 1

EPOLL_EVENT_BYTES = 12 if platform.machine() == "x86_64" else 16
"""https://man7.org/linux/man-pages/man2/epoll_wait.2.html: packed on x86-64 alone."""
EPOLL_DATA_AT = EPOLL_EVENT_BYTES - 8


@jit
def monotonic_ns(timespec: Any) -> int:
    """As `time.monotonic_ns`, through `timespec`, two int64 of scratch space."""
    _clock_gettime(_CLOCK_MONOTONIC, timespec.ctypes.data)
    return int(timespec[0] * 1_000_000_000 + timespec[1])
