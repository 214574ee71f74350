"""What is counted of each region's callers."""

import math

from loadtest.compiled.compiling import jit
from loadtest.simulation.core.state import (
    BINS_A_DECADE,
    SESSION_SECONDS,
    SET_UP_BINS,
    SHORTEST,
    State,
)

UP_NOW, WAITING_NOW, BROKEN_NOW = 0, 1, 2
"""Columns of `State.up`."""


@jit
def count(state: State, region: int, what: int) -> None:
    state.counts[region, what] += 1


@jit
def add(state: State, region: int, what: int, number: float) -> None:
    state.sums[region, what] += number


@jit
def change(state: State, region: int, column: int, by: int) -> None:
    """Of the calls that are up, wait or are broken, `by` more."""
    if column == UP_NOW:
        settle(state, region)
    state.up[region, column] += by


@jit
def settle(state: State, region: int) -> None:
    """Bring the integral of sessions over time up to now."""
    now = state.clock[0]
    passed = now - state.changed[region]
    state.sums[region, SESSION_SECONDS] += passed * state.up[region, UP_NOW]
    state.changed[region] = now


@jit
def note_set_up(state: State, region: int, seconds: float) -> None:
    place = 0
    if seconds > SHORTEST:
        place = min(SET_UP_BINS - 1, int(BINS_A_DECADE * math.log10(seconds / SHORTEST)) + 1)
    state.set_ups[region, place] += 1
