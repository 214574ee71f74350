"""A call's life: it comes, may wait, is placed, ends; or is broken, and comes back."""

from loadtest.compiled.compiling import jit, kept
from loadtest.simulation.core.accounts import (
    BROKEN_NOW,
    UP_NOW,
    WAITING_NOW,
    add,
    change,
    count,
    note_set_up,
)
from loadtest.simulation.core.call_lengths import length, rest
from loadtest.simulation.core.event_heap import (
    DEPART,
    GIVE_UP,
    RECONNECT,
    is_of,
    packed,
    push,
    slot_of,
)
from loadtest.simulation.core.placing import (
    lacking,
    place,
    region_with_room,
    set_up_seconds,
    vacate,
)
from loadtest.simulation.core.random_numbers import uniform
from loadtest.simulation.core.state import (
    ADMITTED,
    ARRIVED,
    AWAY,
    BROKEN,
    CUT,
    ENDED,
    FREE,
    GAVE_UP,
    INTERRUPTED,
    INTERRUPTED_SECONDS,
    LATE,
    NO_RELAY,
    OVER,
    RECONNECTED,
    SET_UP_SECONDS,
    UP,
    WAITED,
    WAITING,
    WAITING_SECONDS,
    Choice,
    State,
)


@jit
def arrive(state: State, choice: Choice, home: int) -> None:
    """There must be a free slot."""
    count(state, home, ARRIVED)
    region = -1
    if state.queue_size[home] == 0:
        region = region_with_room(state, choice, home)
    if region >= 0:
        admit(state, choice, take_slot(state, home), region)
    elif choice.patience > 0.0 and state.queue_size[home] < state.queue.shape[1]:
        wait(state, choice, take_slot(state, home))
    else:
        count(state, home, NO_RELAY + max(0, lacking(state, home)))


@jit
def take_slot(state: State, home: int) -> int:
    state.free_size[0] -= 1
    slot: int = state.free[state.free_size[0]]
    state.sessions[slot].home = home
    state.sessions[slot].tries = 0
    return slot


@jit
def free_slot(state: State, slot: int) -> None:
    session = state.sessions[slot]
    session.state = FREE
    session.generation += 1
    state.free[state.free_size[0]] = slot
    state.free_size[0] += 1


@jit
def admit(state: State, choice: Choice, slot: int, region: int) -> None:
    home = state.sessions[slot].home
    place(state, choice, slot, region)
    count(state, home, ADMITTED)
    change(state, home, UP_NOW, 1)
    note_served(state, choice, slot, 0.0)
    push_event(state, DEPART, slot, length(state, choice))


@jit
def note_served(state: State, choice: Choice, slot: int, waited: float) -> None:
    """A call was set up, for the first time or again."""
    session = state.sessions[slot]
    seconds = waited + set_up_seconds(state, choice, slot)
    note_set_up(state, session.home, seconds)
    add(state, session.home, SET_UP_SECONDS, seconds)
    if seconds > choice.late:
        count(state, session.home, LATE)
    if session.region != session.home:
        count(state, session.home, AWAY)


@jit
def push_event(state: State, kind: int, slot: int, after: float) -> None:
    event = packed(kind, slot, state.sessions[slot].generation)
    push(state.heap, state.clock[0] + after, event)


@kept
def fill(state: State, choice: Choice, home: int, number: int) -> int:
    """So many calls that came before the simulation began; returns for how many there was room."""
    for placed in range(number):
        region = region_with_room(state, choice, home)
        if region < 0 or state.free_size[0] == 0:
            return placed
        slot = take_slot(state, home)
        place(state, choice, slot, region)
        change(state, home, UP_NOW, 1)
        push_event(state, DEPART, slot, rest(state, choice))
    return number


@jit
def depart(state: State, choice: Choice, event: int) -> None:
    """The planned end of a call, however it fared."""
    slot = slot_of(event)
    session = state.sessions[slot]
    home, region, was = session.home, session.region, session.state
    if was == UP:
        vacate(state, slot)
        change(state, home, UP_NOW, -1)
        count(state, home, ENDED)
    elif was == BROKEN:
        change(state, home, BROKEN_NOW, -1)
        count(state, home, CUT)
        add(state, home, INTERRUPTED_SECONDS, state.clock[0] - session.since)
    free_slot(state, slot)
    if was == UP:
        serve_waiting(state, choice, region)


@jit
def wait(state: State, choice: Choice, slot: int) -> None:
    session = state.sessions[slot]
    home = session.home
    session.state = WAITING
    session.since = state.clock[0]
    size = state.queue_size[home]
    place_ = (state.queue_begin[home] + size) % state.queue.shape[1]
    state.queue[home, place_] = packed(GIVE_UP, slot, session.generation)
    state.queue_size[home] = size + 1
    change(state, home, WAITING_NOW, 1)
    count(state, home, WAITED)
    push_event(state, GIVE_UP, slot, choice.patience)


@kept
def serve_waiting(state: State, choice: Choice, region: int) -> None:
    """A region may have room: first for its own callers, then for those who would go there."""
    serve_queue(state, choice, region)
    if choice.overflow:
        for home in range(state.order.shape[0]):
            serve_queue(state, choice, home)


@jit
def serve_queue(state: State, choice: Choice, home: int) -> None:
    while state.queue_size[home] > 0:
        event = state.queue[home, state.queue_begin[home]]
        slot = slot_of(event)
        if still_waits(state, event):
            region = region_with_room(state, choice, home)
            if region < 0:
                return
            serve_late(state, choice, slot, region)
        state.queue_begin[home] = (state.queue_begin[home] + 1) % state.queue.shape[1]
        state.queue_size[home] -= 1


@jit
def still_waits(state: State, event: int) -> bool:
    session = state.sessions[slot_of(event)]
    return session.state == WAITING and is_of(event, session.generation)


@jit
def serve_late(state: State, choice: Choice, slot: int, region: int) -> None:
    session = state.sessions[slot]
    home, waited = session.home, state.clock[0] - session.since
    change(state, home, WAITING_NOW, -1)
    add(state, home, WAITING_SECONDS, waited)
    place(state, choice, slot, region)
    count(state, home, ADMITTED)
    change(state, home, UP_NOW, 1)
    note_served(state, choice, slot, waited)
    push_event(state, DEPART, slot, length(state, choice))


@jit
def give_up(state: State, choice: Choice, event: int) -> None:
    if not still_waits(state, event):
        return
    slot = slot_of(event)
    home = state.sessions[slot].home
    change(state, home, WAITING_NOW, -1)
    count(state, home, GAVE_UP)
    add(state, home, WAITING_SECONDS, choice.patience)
    free_slot(state, slot)


@jit
def break_off(state: State, choice: Choice, slot: int, detect: float) -> None:
    """A call whose pods were vacated: its client sees it after a while, and comes back."""
    session = state.sessions[slot]
    session.state = BROKEN
    session.since = state.clock[0]
    session.tries = 0
    count(state, session.home, INTERRUPTED)
    change(state, session.home, UP_NOW, -1)
    change(state, session.home, BROKEN_NOW, 1)
    push_event(state, RECONNECT, slot, detect + choice.spread * uniform(state.chance))


@jit
def cut(state: State, slot: int) -> None:
    """A call that is up and was vacated ends for good; its slot waits for its planned end."""
    session = state.sessions[slot]
    session.state = OVER
    count(state, session.home, INTERRUPTED)
    count(state, session.home, CUT)
    change(state, session.home, UP_NOW, -1)


@jit
def reconnect(state: State, choice: Choice, event: int) -> None:
    slot = slot_of(event)
    session = state.sessions[slot]
    if session.state != BROKEN or not is_of(event, session.generation):
        return
    region = region_with_room(state, choice, session.home)
    if region >= 0:
        return_to(state, choice, slot, region)
    elif session.tries < choice.reconnects:
        session.tries += 1
        longer = choice.spread * 2.0**session.tries
        push_event(state, RECONNECT, slot, longer * uniform(state.chance))
    else:
        session.state = OVER
        count(state, session.home, CUT)
        change(state, session.home, BROKEN_NOW, -1)


@jit
def return_to(state: State, choice: Choice, slot: int, region: int) -> None:
    session = state.sessions[slot]
    place(state, choice, slot, region)
    change(state, session.home, UP_NOW, 1)
    change(state, session.home, BROKEN_NOW, -1)
    count(state, session.home, RECONNECTED)
    note_served(state, choice, slot, 0.0)
    add(state, session.home, INTERRUPTED_SECONDS, state.clock[0] - session.since)
