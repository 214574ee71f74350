"""The compiled loop: what comes next, until a time."""

import math

import numpy as np

from loadtest.compiled.compiling import jit, kept
from loadtest.simulation.core.accounts import settle
from loadtest.simulation.core.calls import arrive, depart, give_up, reconnect
from loadtest.simulation.core.event_heap import DEPART, RECONNECT, kind_of, pop
from loadtest.simulation.core.random_numbers import exponential, uniform
from loadtest.simulation.core.state import Choice, State

DAY = 86_400.0
NEXT, PEAK_RATE, DEPTH, PEAK_SECOND, FACTOR = range(5)
"""Columns of `State.arrival`."""


@kept
def advance(state: State, choice: Choice, until: float) -> bool:
    """Whether it came so far; else it needs `with_more_slots` and is to be called again."""
    while True:
        region = next_region(state)
        arrival = state.arrival[region, NEXT]
        event = state.heap.times[0] if state.heap.size[0] > 0 else math.inf
        if min(arrival, event) > until:
            break
        if arrival <= event:
            if not has_room(state):
                return False
            state.clock[0] = arrival
            maybe_arrive(state, choice, region)
        else:
            state.clock[0] = event
            handle(state, choice, pop(state.heap))
        state.events[0] += 1
    state.clock[0] = until
    for region in range(state.arrival.shape[0]):
        settle(state, region)
    return True


@jit
def has_room(state: State) -> bool:
    """For one more call, and for all events that may come of one that is handled."""
    events: int = state.heap.size[0]
    slots: int = state.free_size[0]
    return slots > 0 and 2 * events <= len(state.heap.times)


@jit
def handle(state: State, choice: Choice, event: int) -> None:
    kind = kind_of(event)
    if kind == DEPART:
        depart(state, choice, event)
    elif kind == RECONNECT:
        reconnect(state, choice, event)
    else:
        give_up(state, choice, event)


@jit
def next_region(state: State) -> int:
    best = 0
    for region in range(1, state.arrival.shape[0]):
        if state.arrival[region, NEXT] < state.arrival[best, NEXT]:
            best = region
    return best


@jit
def maybe_arrive(state: State, choice: Choice, region: int) -> None:
    """By thinning: candidates come at the peak's rate, and are as likely real as the hour is busy.

    P. A. W. Lewis and G. S. Shedler, https://doi.org/10.1002/nav.3800260304.
    """
    if uniform(state.chance) < busy(state, region, state.clock[0]):
        arrive(state, choice, region)
    plan_arrival(state, region)


@kept
def plan_arrival(state: State, region: int) -> None:
    """The next candidate after now; without memory, so it may be planned anew at any time."""
    rate = state.arrival[region, PEAK_RATE] * state.arrival[region, FACTOR]
    state.arrival[region, NEXT] = np.inf
    if rate > 0.0:
        state.arrival[region, NEXT] = state.clock[0] + exponential(state.chance, 1.0 / rate)


@kept
def busy(state: State, region: int, now: float) -> float:
    """How busy the hour is, of the day's busiest."""
    from_peak = 2.0 * math.pi * (now - state.arrival[region, PEAK_SECOND]) / DAY
    depth: float = state.arrival[region, DEPTH]
    return 1.0 - depth * 0.5 * (1.0 - math.cos(from_peak))
