"""When calls are served, in virtual time."""

import math
from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from transceiver.media_clock import FRAME_S, MAX_LAG_S, SLOTS, MediaClock

START = 1000.0
SLOT_S = FRAME_S / SLOTS


def run(clock: MediaClock[str], until: float, late: float = 0.0) -> list[tuple[str, float]]:
    """Who was served, and when it was due, by a loop that wakes `late`."""
    served = []
    while clock.due_at <= until:
        due, who = clock.take(clock.due_at + late)
        served += [(each, round(due, 6)) for each in who]
    return served


def test_a_call_is_due_once_in_every_frame_time() -> None:
    clock: MediaClock[str] = MediaClock(START)
    clock.add("a", START)
    times = [due for _who, due in run(clock, START + 1.0)]
    assert len(times) == 51
    assert {round(b - a, 6) for a, b in pairwise(times)} == {FRAME_S}


def test_calls_are_spread_evenly() -> None:
    clock: MediaClock[str] = MediaClock(START)
    for number in range(3 * SLOTS):
        clock.add(str(number), START)
    in_slots = Counter(due for _who, due in run(clock, START + 2 * FRAME_S))
    assert set(in_slots.values()) == {3}


def test_the_place_of_one_that_left_is_taken_first() -> None:
    clock: MediaClock[str] = MediaClock(START)
    for number in range(SLOTS):
        clock.add(str(number), START)
    (left,) = [due for who, due in run(clock, START + FRAME_S) if who == "7"]
    clock.remove("7")
    clock.add("new", START)
    dues = [due for who, due in run(clock, START + 3 * FRAME_S) if who == "new"]
    assert all(round((due - left) / FRAME_S, 3).is_integer() for due in dues)
    assert dues


def test_frames_of_10_ms_are_due_twice_in_a_turn_and_evenly() -> None:
    clock: MediaClock[str] = MediaClock(START)
    clock.add("a", START, times=2)
    times = [due for _who, due in run(clock, START + 0.2)]
    assert {round(b - a, 6) for a, b in pairwise(times)} == {FRAME_S / 2}
    clock.remove("a")
    assert run(clock, START + 0.4) == []


def test_an_empty_clock_is_never_due_and_resumes_without_a_lag() -> None:
    clock: MediaClock[str] = MediaClock(START)
    assert clock.due_at == math.inf
    clock.add("a", START)
    run(clock, START + 1.0)
    clock.remove("a")
    clock.remove("a")
    assert clock.due_at == math.inf
    clock.add("b", START + 60.0, times=2)
    assert START + 60.0 <= clock.due_at < START + 60.0 + 2 * SLOT_S
    dues = [due for _who, due in run(clock, START + 60.2)]
    assert dues[0] <= START + 60.0 + FRAME_S
    assert {round(b - a, 6) for a, b in pairwise(dues)} == {FRAME_S / 2}
    assert clock.skipped == 0


def test_a_short_delay_is_made_up_for() -> None:
    clock: MediaClock[str] = MediaClock(START)
    clock.add("a", START)
    assert len(run(clock, START + 1.0, late=MAX_LAG_S / 2)) == 51
    assert clock.skipped == 0


def test_a_long_delay_is_skipped_and_counted_and_the_phase_stays() -> None:
    clock: MediaClock[str] = MediaClock(START)
    clock.add("a", START)
    clock.add("b", START)
    (first, *_rest) = run(clock, START + FRAME_S)
    due, who = clock.take(START + 10.0)
    assert who
    assert START + 10.0 - FRAME_S - SLOT_S <= due <= START + 10.0
    phase = (due - first[1]) / SLOT_S
    assert round(phase, 3).is_integer()
    assert 2 * 495 <= clock.skipped <= 2 * 500


@given(
    changes=st.lists(st.tuples(st.booleans(), st.integers(0, 30)), max_size=60),
    late=st.floats(0, MAX_LAG_S / 2),
)
def test_whoever_stays_is_served_every_turn(changes: list[tuple[bool, int]], late: float) -> None:
    clock: MediaClock[str] = MediaClock(START)
    clock.add("stays", START)
    inside: set[str] = set()
    times: list[float] = []
    for adds, number in changes:
        who = str(number)
        if adds and who not in inside:
            clock.add(who, clock.due_at, times=1 + number % 2)
            inside.add(who)
        elif not adds:
            clock.remove(who)
            inside.discard(who)
        due, served = clock.take(clock.due_at + late)
        times += [due for each in served if each == "stays"]
    times += [due for each, due in run(clock, clock.due_at + 0.1) if each == "stays"]
    assert {round(b - a, 6) for a, b in pairwise(times)} == {FRAME_S}


def test_it_is_dense_when_no_slot_is_empty() -> None:
    clock: MediaClock[str] = MediaClock(START)
    for number in range(SLOTS):
        assert not clock.dense
        clock.add(str(number), START)
    assert clock.dense
    clock.remove("3")
    assert not clock.dense
