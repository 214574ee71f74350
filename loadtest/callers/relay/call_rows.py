"""Calls as the compiled loop sees them, one row each."""

from enum import IntEnum
from typing import Any

import numpy as np


class CallState(IntEnum):
    FREE = 0
    QUIET = 1
    """Sends nothing of itself; what comes is taken: in set-up, and after the hang-up."""
    TALKING = 2


WINDOW_BITS = 16
"""How far behind the newest a packet may come and still count as reordered, not as lost."""
WINDOW_FULL = (1 << WINDOW_BITS) - 1

ROW = np.dtype(
    [
        ("descriptor", np.int32),
        ("session", np.uint32),
        ("ssrc", np.uint32),
        ("state", np.uint8),
        ("same_clock", np.uint8),
        ("speaking", np.uint8),
        ("tag", np.int64),
        ("sent", np.int64),
        ("highest", np.int64),
        ("window", np.int64),
        ("due_ns", np.int64),
        ("spurt_end_ns", np.int64),
        ("gap_ns", np.int64),
        ("spurt_ns", np.float64),
        ("pause_ns", np.float64),
        ("random", np.uint64),
        ("promptest_ns", np.int64),
        ("last_sent_ns", np.int64),
        ("unanswered_ns", np.int64),
        ("silent_ns", np.int64),
        ("resumed_ns", np.int64),
    ],
    align=True,
)
"""`sent`: packets, and the number of the next. `highest`: the newest number that came back, -1
before; `window` has a bit for it and each of those before it that came. `spurt_ns`, `pause_ns`:
mean lengths. `unanswered_ns`: when the oldest packet was sent since which nothing came back, 0 if
there is none; `silent_ns`: how much of the time since then was a pause in speech;
`resumed_ns`: when the newest of those pauses ended, 0 if there was none."""


def new_rows(count: int) -> Any:
    return np.zeros(count, ROW)


def unanswered_seconds(row: Any) -> float:
    """For how long a call has spoken without anything coming back, less its pauses."""
    if not row["unanswered_ns"]:
        return 0.0
    return float(row["last_sent_ns"] - row["unanswered_ns"] - row["silent_ns"]) * 1e-9
