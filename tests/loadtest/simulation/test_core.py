"""The core's parts: events come by time, and chance is what it is said to be."""

import heapq

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest.simulation.core.event_heap import (
    RECONNECT,
    empty,
    grown,
    is_of,
    kind_of,
    packed,
    pop,
    push,
    slot_of,
)
from loadtest.simulation.core.random_numbers import uniform

times = st.floats(0.0, 1e9)


@settings(max_examples=50)
@given(st.lists(st.one_of(times, st.none()), max_size=200))
def test_events_come_by_their_times(orders: list[float | None]) -> None:
    """None takes the first event out, if there is one."""
    heap, expected = grown(empty(1), len(orders) + 1), list[float]()
    for number, time in enumerate(orders):
        if time is not None:
            push(heap, time, number)
            heapq.heappush(expected, time)
        elif expected:
            assert heap.times[0] == heapq.heappop(expected)
            pop(heap)
    assert int(heap.size[0]) == len(expected)
    left = []
    while heap.size[0]:
        left.append(float(heap.times[0]))
        pop(heap)
    assert left == sorted(expected)


@given(st.integers(0, 2), st.integers(0, 2**32 - 1), st.integers(0, 2**24 - 1))
def test_an_event_is_what_was_packed(kind: int, slot: int, generation: int) -> None:
    event = packed(kind, slot, generation)
    assert (kind_of(event), slot_of(event)) == (kind, slot)
    assert is_of(event, generation)
    assert not is_of(event, generation + 1)


def test_an_event_of_a_slots_former_call_is_told_apart() -> None:
    assert not is_of(packed(RECONNECT, 7, 3), 4)


def test_random_numbers_are_those_of_splitmix64() -> None:
    """As https://prng.di.unimi.it/splitmix64.c gives them for the seed 1234567."""
    chance = np.array([1234567], np.uint64)
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert [uniform(chance) for _ in expected] == [(z >> 11) * 2.0**-53 for z in expected]


def test_random_numbers_are_spread_evenly() -> None:
    chance = np.array([1], np.uint64)
    drawn = np.array([uniform(chance) for _ in range(20_000)])
    counts = np.histogram(drawn, 20, (0.0, 1.0))[0]
    assert ((counts - 1000.0) ** 2 / 1000.0).sum() < 45
    assert drawn.mean() == pytest.approx(0.5, abs=0.01)
