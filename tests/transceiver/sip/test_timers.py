"""What is to happen when, and what says something again until then."""

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from transceiver.sip.retransmission import Retransmission
from transceiver.sip.timers import GIVE_UP_S, Timer, Timers


class Clock:
    def __init__(self) -> None:
        self.now = 100.0
        self.timers = Timers(lambda: self.now)
        self.happened: list[float] = []

    def note(self) -> None:
        self.happened.append(self.now - 100)

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self.timers.due_at <= end:
            self.now = self.timers.due_at
            self.timers.tick()
        self.now = end


def test_what_is_due_happens_in_order() -> None:
    clock = Clock()
    for delay in (3, 1, 2):
        clock.timers.after(delay, clock.note)
    cancelled = clock.timers.after(1.5, clock.note)
    cancelled.cancel()
    cancelled.cancel()
    clock.run(10)
    assert clock.happened == [1, 2, 3]
    assert clock.timers.due_at == math.inf


def test_what_happens_may_begin_and_end_others() -> None:
    clock = Clock()
    second = clock.timers.after(2, clock.note)
    clock.timers.after(1, lambda: (second.cancel(), clock.timers.after(0, clock.note))[0])
    clock.run(5)
    assert clock.happened == [1]


@settings(max_examples=25)
@given(st.lists(st.booleans(), max_size=300))
def test_what_was_cancelled_is_not_kept(cancelled: list[bool]) -> None:
    clock = Clock()
    timers: list[Timer] = [clock.timers.after(1000 + n, clock.note) for n in range(len(cancelled))]
    for timer, is_cancelled in zip(timers, cancelled, strict=True):
        if is_cancelled:
            timer.cancel()
    left = cancelled.count(False)
    assert left <= len(clock.timers) <= max(2 * left, left + 64)
    clock.run(2000)
    assert len(clock.happened) == left


def test_repetitions_grow_rarer() -> None:
    clock = Clock()
    Retransmission(clock.timers, clock.note, lambda: None)
    clock.run(20)
    assert clock.happened == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5]


def test_repetitions_that_nothing_bounds() -> None:
    clock = Clock()
    Retransmission(clock.timers, clock.note, clock.note, longest=math.inf)
    clock.run(100)
    assert clock.happened == [0.5, 1.5, 3.5, 7.5, 15.5, 31.5, GIVE_UP_S]


def test_a_peer_at_work_is_asked_more_rarely() -> None:
    clock = Clock()
    repetition = Retransmission(clock.timers, clock.note, lambda: None)
    clock.run(1)
    repetition.slow()
    clock.run(9)
    assert clock.happened == [0.5, 5, 9]


def test_nothing_is_said_after_the_answer() -> None:
    clock = Clock()
    stopped = Retransmission(clock.timers, clock.note, clock.note)
    quiet = Retransmission(clock.timers, clock.note, clock.note, repeats=False)
    stopped.stop()
    quiet.slow()
    clock.run(100)
    assert clock.happened == [GIVE_UP_S]
