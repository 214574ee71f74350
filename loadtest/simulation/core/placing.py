"""Which pods serve a call, of those that have room."""

from loadtest.compiled.compiling import jit, kept
from loadtest.simulation.core.random_numbers import below
from loadtest.simulation.core.state import TIERS, TRANSCEIVER, UP, Choice, State

OVERLOADED = 0.05
"""The share of a pod's CPU that set-ups get at the least: the kernel shares out what is short."""


@kept
def open_pod(state: State, pod: int) -> None:
    """It takes calls from now on, if it has room."""
    record = state.pods[pod]
    if record.place >= 0 or record.sessions >= record.room:
        return
    pool = record.pool
    place = state.open_size[pool]
    state.open[pool, place] = pod
    state.open_size[pool] = place + 1
    record.place = place


@kept
def close_pod(state: State, pod: int) -> None:
    """It takes no more calls; those that it has stay."""
    place = state.pods[pod].place
    if place < 0:
        return
    pool = state.pods[pod].pool
    last = state.open_size[pool] - 1
    moved = state.open[pool, last]
    state.open[pool, place] = moved
    state.pods[moved].place = place
    state.open_size[pool] = last
    state.pods[pod].place = -1


@jit
def take_place(state: State, pod: int) -> None:
    record = state.pods[pod]
    record.sessions += 1
    if record.sessions >= record.room:
        close_pod(state, pod)


@jit
def give_place(state: State, pod: int) -> None:
    """A pod that was full is open again; one that was closed otherwise has no room at all."""
    record = state.pods[pod]
    record.sessions -= 1
    if record.place < 0:
        open_pod(state, pod)


@jit
def choose(state: State, choice: Choice, pool: int) -> int:
    """A pod with room, of which there must be one."""
    size = state.open_size[pool]
    if choice.tries == 0:
        state.turn[pool] += 1
        following: int = state.open[pool, state.turn[pool] % size]
        return following
    best: int = state.open[pool, below(state.chance, size)]
    for _ in range(1, choice.tries):
        other = state.open[pool, below(state.chance, size)]
        if state.pods[other].sessions < state.pods[best].sessions:
            best = other
    return best


@jit
def lacking(state: State, region: int) -> int:
    """The first tier that has no room in a region; -1 where all have."""
    for tier in range(TIERS):
        if state.open_size[region * TIERS + tier] == 0:
            return tier
    return -1


@jit
def region_with_room(state: State, choice: Choice, home: int) -> int:
    """The nearest to callers at `home`; -1: none."""
    regions = state.order.shape[1] if choice.overflow else 1
    for place in range(regions):
        region: int = state.order[home, place]
        if lacking(state, region) < 0:
            return region
    return -1


@jit
def place(state: State, choice: Choice, slot: int, region: int) -> None:
    """Give a call pods of a region that has room in all tiers."""
    session = state.sessions[slot]
    session.region = region
    session.state = UP
    for tier in range(TIERS):
        pod = choose(state, choice, region * TIERS + tier)
        session.pods[tier] = pod
        take_place(state, pod)


@jit
def vacate(state: State, slot: int) -> None:
    for tier in range(TIERS):
        give_place(state, state.sessions[slot].pods[tier])


@jit
def set_up_seconds(state: State, choice: Choice, slot: int) -> float:
    """How long the call's set-up takes: round trips, and its turn for the transceiver's CPU.

    A pod's set-ups share what CPU its calls leave, first come first served.
    """
    session = state.sessions[slot]
    pod = state.pods[session.pods[TRANSCEIVER]]
    left = choice.pod_cores - pod.sessions * choice.session_cores
    rate = max(left, OVERLOADED * choice.pod_cores)
    now = state.clock[0]
    pod.backlog = max(0.0, pod.backlog - (now - pod.backlog_at) * rate) + choice.set_up_cpu
    pod.backlog_at = now
    trips: float = choice.set_up_trips * state.round_trip[session.home, session.region]
    queued: float = pod.backlog / rate
    return trips + queued
