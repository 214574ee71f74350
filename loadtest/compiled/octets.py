"""Numbers in network byte order, in arrays of bytes."""

from typing import Any

import numpy as np

from loadtest.compiled.compiling import jit

i64: Any = np.int64
"""For numbers of fewer bits, whose shifts would be cut short."""


@jit
def u16_at(data: Any, at: int) -> int:
    return int(i64(data[at]) << 8 | i64(data[at + 1]))


@jit
def u32_at(data: Any, at: int) -> int:
    return u16_at(data, at) << 16 | u16_at(data, at + 2)


@jit
def u64_at(data: Any, at: int) -> int:
    """As int64: what is above 2**63 is negative."""
    return u32_at(data, at) << 32 | u32_at(data, at + 4)


@jit
def put_u16(data: Any, at: int, value: int) -> None:
    data[at] = value >> 8 & 0xFF
    data[at + 1] = value & 0xFF


@jit
def put_u32(data: Any, at: int, value: int) -> None:
    put_u16(data, at, value >> 16)
    put_u16(data, at + 2, value)


@jit
def put_u64(data: Any, at: int, value: int) -> None:
    put_u32(data, at, value >> 32)
    put_u32(data, at + 4, value)
