"""All that the compiled core works on: arrays, as compiled code can change nothing else."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from loadtest.simulation.core import event_heap
from loadtest.simulation.core.event_heap import EventHeap

RELAY, TRANSCEIVER, INFERENCE = 0, 1, 2
TIERS = 3

FREE, UP, WAITING, BROKEN, OVER = 0, 1, 2, 3, 4
"""A slot's state. BROKEN: cut off, and tries to come back; OVER: cut off for good, until the
event of its planned end has gone by."""

SESSION = np.dtype(
    [
        ("pods", np.int32, (TIERS,)),
        ("generation", np.int32),
        ("since", np.float64),
        ("home", np.int16),
        ("region", np.int16),
        ("state", np.int8),
        ("tries", np.int8),
        ("padding", np.int16),
    ]
)
"""`since`: when it began to wait, or was broken; `home`: the caller's region; `region`: where it
is served."""

POD = np.dtype(
    [
        ("sessions", np.int32),
        ("room", np.int32),
        ("place", np.int32),
        ("pool", np.int32),
        ("backlog", np.float64),
        ("backlog_at", np.float64),
    ]
)
"""`room`: sessions that it takes; `place`: in its pool's open pods, -1 when not among them;
`backlog`: CPU seconds of set-ups that waited at `backlog_at`."""

(
    ARRIVED,
    ADMITTED,
    NO_RELAY,
    NO_TRANSCEIVER,
    NO_INFERENCE,
    GAVE_UP,
    WAITED,
    AWAY,
    LATE,
    ENDED,
    INTERRUPTED,
    RECONNECTED,
    CUT,
) = range(13)
COUNTS = 13
"""Of each region of callers, since the last sample. AWAY: served by another region; LATE: set up
later than the service level; INTERRUPTED: by a failure; CUT: and not helped in the end."""

SESSION_SECONDS, WAITING_SECONDS, INTERRUPTED_SECONDS, SET_UP_SECONDS = range(4)
SUMS = 4

EVENTS_A_SLOT = 4
"""Room in the heap: two of the call that is there, as many of those that were there before, which
mean nothing any more, and none that comes at once is refused."""

SET_UP_BINS, BINS_A_DECADE, SHORTEST = 160, 20, 1e-3
"""Of the histogram of set-up times: so many a decade, from a millisecond."""


class Choice(NamedTuple):
    """What a simulation does not change."""

    tries: int
    """Open pods that are compared; 1: any; 0: in turn."""
    overflow: bool
    """Whether calls that find no room go to the next region."""
    length: int
    """Of calls: see `lengths`."""
    length_mean: float
    length_sigma: float
    patience: float
    """Seconds that a call waits for room; 0: refused at once."""
    spread: float
    """Seconds over which clients come back, evenly; doubled with each try."""
    reconnects: int
    relay_heals: float
    hand_off: float
    late: float
    """Set-up time from which it counts as late."""
    set_up_cpu: float
    """CPU seconds of a transceiver."""
    session_cores: float
    pod_cores: float
    """Of a transceiver pod."""
    set_up_trips: float
    """Round trips of a set-up, besides what it waits for CPU."""


class State(NamedTuple):
    """One simulation's."""

    heap: EventHeap
    sessions: NDArray[np.void]
    free: NDArray[np.int32]
    """A stack of slots, of which `free_size` are there."""
    free_size: NDArray[np.int64]
    pods: NDArray[np.void]
    open: NDArray[np.int32]
    """(pools, pods a pool): pods with room; a pool is a tier of a region."""
    open_size: NDArray[np.int64]
    turn: NDArray[np.int64]
    """Of each pool: whose turn it is."""
    order: NDArray[np.int16]
    """(regions, regions): where a region's callers are served, nearest first."""
    round_trip: NDArray[np.float64]
    """(regions, regions): seconds from callers of one to the servers of another."""
    queue: NDArray[np.int64]
    """(regions, places): events of calls that wait, in a ring."""
    queue_begin: NDArray[np.int64]
    queue_size: NDArray[np.int64]
    arrival: NDArray[np.float64]
    """(regions, 5): when the next call may come, calls a second at the peak, depth of the day's
    trough, second of the day of the peak, factor."""
    up: NDArray[np.int64]
    """Of each region of callers: calls that are up, that wait, that are broken."""
    counts: NDArray[np.int64]
    sums: NDArray[np.float64]
    set_ups: NDArray[np.int64]
    """(regions, SET_UP_BINS)."""
    changed: NDArray[np.float64]
    """Of each region: until when `sums` counts."""
    clock: NDArray[np.float64]
    chance: NDArray[np.uint64]
    events: NDArray[np.int64]
    """Handled so far."""


def empty_state(*, regions: int, pods_a_pool: int, slots: int, waiting: int, seed: int) -> State:
    """With no pod, no call, and no arrivals."""
    pools = regions * TIERS
    pods = np.zeros(pools * pods_a_pool, POD)
    pods["place"] = -1
    pods["pool"] = np.repeat(np.arange(pools), pods_a_pool)
    return State(
        heap=event_heap.empty(EVENTS_A_SLOT * slots),
        sessions=np.zeros(slots, SESSION),
        free=np.arange(slots, dtype=np.int32)[::-1].copy(),
        free_size=np.array([slots]),
        pods=pods,
        open=np.zeros((pools, pods_a_pool), np.int32),
        open_size=np.zeros(pools, np.int64),
        turn=np.zeros(pools, np.int64),
        order=np.tile(np.arange(regions, dtype=np.int16), (regions, 1)),
        round_trip=np.zeros((regions, regions)),
        queue=np.zeros((regions, max(1, waiting)), np.int64),
        queue_begin=np.zeros(regions, np.int64),
        queue_size=np.zeros(regions, np.int64),
        arrival=_no_arrivals(regions),
        up=np.zeros((regions, TIERS), np.int64),
        counts=np.zeros((regions, COUNTS), np.int64),
        sums=np.zeros((regions, SUMS)),
        set_ups=np.zeros((regions, SET_UP_BINS), np.int64),
        changed=np.zeros(regions),
        clock=np.zeros(1),
        chance=np.array([seed], np.uint64),
        events=np.zeros(1, np.int64),
    )


def with_more_slots(state: State) -> State:
    """Twice as many; the other arrays stay the same ones."""
    slots = len(state.sessions)
    sessions = np.zeros(2 * slots, SESSION)
    sessions[:slots] = state.sessions
    free = np.zeros(2 * slots, np.int32)
    size = int(state.free_size[0])
    free[:size] = state.free[:size]
    free[size : size + slots] = np.arange(slots, 2 * slots)[::-1]
    state.free_size[0] += slots
    return state._replace(
        heap=event_heap.grown(state.heap, 2 * EVENTS_A_SLOT * slots), sessions=sessions, free=free
    )


def _no_arrivals(regions: int) -> NDArray[np.float64]:
    arrivals = np.zeros((regions, 5))
    arrivals[:, 0] = np.inf
    return arrivals
