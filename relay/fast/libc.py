"""The calls of the C library that compiled code makes.

By name and not by address, which would keep the machine code from being kept on disk.
Pointers are plain numbers: bounds checks do not cover what the kernel does with them.
"""

from typing import Any

from numba import types

_i32, _u32, _i64, _u64, _pointer = (
    types.int32,
    types.uint32,
    types.int64,
    types.uint64,
    types.uintp,
)


def _external(name: str, result: Any, *arguments: Any) -> Any:
    return types.ExternalFunction(name, result(*arguments))


recvmmsg = _external("recvmmsg", _i32, _i32, _pointer, _u32, _i32, _pointer)
sendmmsg = _external("sendmmsg", _i32, _i32, _pointer, _u32, _i32)
poll = _external("poll", _i32, _pointer, _u64, _i32)
usleep = _external("usleep", _i32, _u32)
clock_gettime = _external("clock_gettime", _i32, _i32, _pointer)
pthread_mutex_init = _external("pthread_mutex_init", _i32, _pointer, _pointer)
pthread_mutex_lock = _external("pthread_mutex_lock", _i32, _pointer)
pthread_mutex_unlock = _external("pthread_mutex_unlock", _i32, _pointer)
errno_location = _external("__errno_location", types.CPointer(_i32))

MSG_DONTWAIT = 0x40
MSG_TRUNC = 0x20
EINTR = 4
EAGAIN = 11
CLOCK_MONOTONIC = 1
POLLIN = 1
