"""libc's calls, for functions that numba compiles.

`types.ExternalFunction` rather than ctypes: numba caches what uses it.
"""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numba import njit, types

MSG_DONTWAIT = 0x40
CLOCK_MONOTONIC = 1

_i32, _u32, _pointer = types.int32, types.uint32, types.uintp

recvmmsg = types.ExternalFunction("recvmmsg", _i32(_i32, _pointer, _u32, _i32, _pointer))
sendmmsg = types.ExternalFunction("sendmmsg", _i32(_i32, _pointer, _u32, _i32))
poll = types.ExternalFunction("poll", _i32(_pointer, types.uint64, _i32))
_clock_gettime = types.ExternalFunction("clock_gettime", _i32(_i32, _pointer))

Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """Compile on first use, and keep the result for later processes.

    Without bounds checks: every index that comes from a packet is compared with its bound
    where it is read.
    """
    dispatcher: Function = njit(nogil=True, cache=True, error_model="numpy")(function)
    return dispatcher


@compiled
def monotonic_ns(timespec: np.ndarray) -> int:
    """The time, through `timespec`, two int64 of scratch space."""
    _clock_gettime(CLOCK_MONOTONIC, timespec.ctypes.data)
    return timespec[0] * 1_000_000_000 + timespec[1]
