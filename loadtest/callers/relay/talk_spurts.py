"""When a call speaks: talk spurts and pauses of exponential lengths.

https://www.itu.int/rec/T-REC-P.59. Everything is drawn from the call's own random state.
"""

import math
from typing import Any

import numpy as np

from loadtest.compiled.compiling import jit

_U64 = np.uint64


@jit
def draw(row: Any) -> float:
    """From 0 up to 1, not included: https://www.jstatsoft.org/article/view/v008i14 (xorshift)."""
    state = row.random
    state ^= state << _U64(13)
    state ^= state >> _U64(7)
    state ^= state << _U64(17)
    row.random = state
    return float(state >> _U64(11)) / float(1 << 53)


@jit
def _length(row: Any, mean: float) -> int:
    return int(-mean * math.log(1.0 - draw(row)))


@jit
def begin_talk(row: Any, now_ns: int) -> None:
    """Let it be found anywhere in its talk, as the others are: speaking or in a pause."""
    speaking = draw(row) * (row.spurt_ns + row.pause_ns) < row.spurt_ns
    row.speaking = speaking
    if speaking:
        row.spurt_end_ns = now_ns + _length(row, row.spurt_ns)
        row.due_ns = now_ns + int(draw(row) * row.gap_ns)
    else:
        row.due_ns = now_ns + _length(row, row.pause_ns)


@jit
def begin_spurt_if_due(row: Any) -> bool:
    """Whether the packet that is due begins a spurt."""
    if row.speaking:
        return False
    row.speaking = True
    row.spurt_end_ns = row.due_ns + _length(row, row.spurt_ns)
    return True


@jit
def plan_next(row: Any) -> None:
    """Set when the next packet is due, behind one that was sent."""
    row.due_ns += row.gap_ns
    if row.due_ns > row.spurt_end_ns and row.pause_ns > 0:
        row.speaking = False
        row.due_ns = max(row.due_ns, row.spurt_end_ns + _length(row, row.pause_ns))
