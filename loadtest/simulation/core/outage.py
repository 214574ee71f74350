"""What becomes of calls whose pods die."""

import numpy as np
from numpy.typing import NDArray

from loadtest.compiled.compiling import jit, kept
from loadtest.simulation.core.accounts import add, count
from loadtest.simulation.core.calls import break_off, cut
from loadtest.simulation.core.placing import choose, give_place, take_place, vacate
from loadtest.simulation.core.state import (
    INFERENCE,
    INTERRUPTED,
    INTERRUPTED_SECONDS,
    RELAY,
    TIERS,
    TRANSCEIVER,
    UP,
    Choice,
    State,
)

Doomed = NDArray[np.bool_]
"""By pod. They are closed, and without room, before."""


@kept
def lose_pods(state: State, choice: Choice, doomed: Doomed, detect: float) -> None:
    """Calls of transceivers come back anew; those of relays and replicas move on, where room is.

    `detect`: seconds until a client that has to come back sees it.
    """
    for slot in range(len(state.sessions)):
        if state.sessions[slot].state == UP:
            lose_call(state, choice, slot, doomed, detect)


@jit
def lose_call(state: State, choice: Choice, slot: int, doomed: Doomed, detect: float) -> None:
    pods = state.sessions[slot].pods
    if doomed[pods[TRANSCEIVER]]:
        vacate(state, slot)
        break_off(state, choice, slot, detect)
    elif doomed[pods[INFERENCE]] and not moved(state, choice, slot, INFERENCE, choice.hand_off):
        vacate(state, slot)
        cut(state, slot)
    elif doomed[pods[RELAY]] and not moved(state, choice, slot, RELAY, choice.relay_heals):
        vacate(state, slot)
        break_off(state, choice, slot, detect)


@jit
def moved(state: State, choice: Choice, slot: int, tier: int, gap: float) -> bool:
    """Whether a call found another pod of a tier, and was silent for a `gap` only."""
    session = state.sessions[slot]
    pool = session.region * TIERS + tier
    if state.open_size[pool] == 0:
        return False
    give_place(state, session.pods[tier])
    pod = choose(state, choice, pool)
    session.pods[tier] = pod
    take_place(state, pod)
    count(state, session.home, INTERRUPTED)
    add(state, session.home, INTERRUPTED_SECONDS, gap)
    return True
