"""Events by time: a heap with four children a node, which touches half as much memory as two."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from loadtest.compiled.compiling import jit, kept


class EventHeap(NamedTuple):
    times: NDArray[np.float64]
    events: NDArray[np.int64]
    """What happens, by `packed`."""
    size: NDArray[np.int64]
    """An array of one."""


DEPART, RECONNECT, GIVE_UP = 0, 1, 2
"""A call's end; a broken call's next try; the end of a waiting one's patience."""
_GENERATIONS = (1 << 24) - 1


def empty(capacity: int) -> EventHeap:
    return EventHeap(np.empty(capacity), np.empty(capacity, np.int64), np.zeros(1, np.int64))


def grown(heap: EventHeap, capacity: int) -> EventHeap:
    larger = EventHeap(np.empty(capacity), np.empty(capacity, np.int64), heap.size)
    size = int(heap.size[0])
    larger.times[:size], larger.events[:size] = heap.times[:size], heap.events[:size]
    return larger


@kept
def packed(kind: int, slot: int, generation: int) -> int:
    """A generation tells a slot's calls apart: an event for one that is over means nothing."""
    return (kind << 56) | ((generation & _GENERATIONS) << 32) | slot


@kept
def kind_of(event: int) -> int:
    return event >> 56


@kept
def slot_of(event: int) -> int:
    return event & 0xFFFFFFFF


@kept
def is_of(event: int, generation: int) -> bool:
    return ((event >> 32) & _GENERATIONS) == (generation & _GENERATIONS)


@kept
def push(heap: EventHeap, time: float, event: int) -> None:
    place = heap.size[0]
    heap.size[0] += 1
    while place > 0:
        parent = (place - 1) >> 2
        if heap.times[parent] <= time:
            break
        heap.times[place] = heap.times[parent]
        heap.events[place] = heap.events[parent]
        place = parent
    heap.times[place] = time
    heap.events[place] = event


@kept
def pop(heap: EventHeap) -> int:
    """The earliest event, whose time is `heap.times[0]` before. There must be one."""
    first: int = heap.events[0]
    heap.size[0] -= 1
    size = heap.size[0]
    time, event = heap.times[size], heap.events[size]
    place = 0
    while True:
        child = _earliest_child(heap, place, size)
        if child < 0 or heap.times[child] >= time:
            break
        heap.times[place] = heap.times[child]
        heap.events[place] = heap.events[child]
        place = child
    heap.times[place] = time
    heap.events[place] = event
    return first


@jit
def _earliest_child(heap: EventHeap, place: int, size: int) -> int:
    """-1 where there is none."""
    begin = (place << 2) + 1
    if begin >= size:
        return -1
    earliest = begin
    for child in range(begin + 1, min(begin + 4, size)):
        if heap.times[child] < heap.times[earliest]:
            earliest = child
    return earliest
