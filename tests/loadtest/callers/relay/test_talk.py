"""When calls speak: the wheel's turns and the model's lengths, with a clock of the test's."""

from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy as np
import pytest

from loadtest.callers.relay.call_rows import new_rows
from loadtest.callers.relay.talk_spurts import begin_spurt_if_due, begin_talk, plan_next
from loadtest.callers.relay.timing_wheel import (
    NONE,
    SLOT_NS,
    SLOTS,
    TimingWheel,
    new_wheel,
    put,
    take_slot,
)

MINUTES = 60
SPURT_S, PAUSE_S, GAP_S = 1.004, 1.587, 0.02

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])


def compiled(function: FunctionT) -> FunctionT:
    dispatcher: FunctionT = numba.njit(boundscheck=True, error_model="numpy", _nrt=False)(function)
    return dispatcher


@compiled
def sends(row: np.ndarray, until_ns: int) -> int:
    """How many packets a call sends by then, and whether in order."""
    begin_talk(row[0], 0)
    count = 0
    while row[0].due_ns < until_ns:
        before = row[0].due_ns
        begin_spurt_if_due(row[0])
        plan_next(row[0])
        count += 1
        if row[0].due_ns <= before:
            return -1
    return count


@compiled
def put_call(wheel: TimingWheel, call: int, due_ns: int) -> None:
    put(wheel, call, due_ns)


@compiled
def take(wheel: TimingWheel, now_ns: int) -> int:
    return take_slot(wheel, now_ns)


def talker(seed: int, spurt_s: float = SPURT_S, pause_s: float = PAUSE_S) -> np.ndarray:
    rows: np.ndarray = new_rows(1)
    rows[0]["spurt_ns"], rows[0]["pause_ns"] = spurt_s * 1e9, pause_s * 1e9
    rows[0]["gap_ns"], rows[0]["random"] = int(GAP_S * 1e9), seed
    return rows


def test_calls_speak_the_models_share_of_the_time() -> None:
    seconds = 60 * MINUTES
    sent = [sends(talker(1 + 977 * seed), int(seconds * 1e9)) for seed in range(10)]
    share = np.mean(sent) * GAP_S / seconds
    assert share == pytest.approx(SPURT_S / (SPURT_S + PAUSE_S), rel=0.1)


def test_one_seed_speaks_as_it_did() -> None:
    until = int(60e9)
    assert sends(talker(5), until) == sends(talker(5), until) != sends(talker(6), until)


def test_without_pauses_a_call_speaks_all_the_time() -> None:
    assert sends(talker(5, 1e9, 0.0), int(10e9)) == pytest.approx(10 / GAP_S, abs=1)


def test_calls_come_up_once_they_are_due_in_the_wheel() -> None:
    wheel = new_wheel(8, 0)
    put_call(wheel, 3, 5 * SLOT_NS - 1)
    put_call(wheel, 4, 5 * SLOT_NS - 1)
    taken = [take(wheel, 100 * SLOT_NS) for _ in range(6)]
    assert taken == [NONE] * 4 + [4, NONE]
    assert wheel.following[4] == 3
    assert wheel.following[3] == NONE


def test_what_is_due_later_than_a_turn_is_looked_at_before() -> None:
    wheel = new_wheel(8, 0)
    put_call(wheel, 3, 10 * SLOTS * SLOT_NS)
    taken = [take(wheel, 2 * SLOTS * SLOT_NS) for _ in range(SLOTS)]
    assert 3 in taken


def test_a_wheel_that_stood_still_does_not_turn_for_ever() -> None:
    wheel = new_wheel(8, 0)
    take(wheel, 1000 * SLOTS * SLOT_NS)
    assert wheel.turned[0] == 999 * SLOTS
    assert take(wheel, 0) == -2
