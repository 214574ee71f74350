"""Which calls are due: a wheel of milliseconds, for thousands of them at a constant cost each."""

from typing import Any, NamedTuple

import numpy as np

from loadtest.compiled.compiling import jit

SLOTS = 4096
"""Milliseconds in a turn. What is due later goes round, and is looked at once a turn."""
SLOT_NS = 1_000_000
NONE = -1


class TimingWheel(NamedTuple):
    """Lists of calls by slot."""

    first: Any
    """int32 (SLOTS,): NONE where there is none."""
    following: Any
    """int32, by call."""
    turned: Any
    """int64 (1,): the last millisecond whose slot was emptied."""


def new_wheel(calls: int, now_ns: int) -> TimingWheel:
    return TimingWheel(
        np.full(SLOTS, NONE, np.int32),
        np.full(calls, NONE, np.int32),
        np.array([now_ns // SLOT_NS], np.int64),
    )


@jit
def put(wheel: TimingWheel, call: int, due_ns: int) -> None:
    """Have a call that is not in the wheel come up at the first turn of it after `due_ns`."""
    soonest = wheel.turned[0] + 1
    slot = min(max(due_ns // SLOT_NS + 1, soonest), soonest + SLOTS - 2) % SLOTS
    wheel.following[call] = wheel.first[slot]
    wheel.first[slot] = call


@jit
def take_slot(wheel: TimingWheel, now_ns: int) -> int:
    """Empty the next slot whose time has come: its first call, NONE for an empty one; -2 when
    there is no such slot."""
    if wheel.turned[0] >= now_ns // SLOT_NS:
        return -2
    wheel.turned[0] = max(wheel.turned[0] + 1, now_ns // SLOT_NS - SLOTS)
    slot = wheel.turned[0] % SLOTS
    first = wheel.first[slot]
    wheel.first[slot] = NONE
    return int(first)
