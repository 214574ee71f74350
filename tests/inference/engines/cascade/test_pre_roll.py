"""The newest stretch of input."""

from inference.engines.cascade.arrivals import Arrivals
from inference.engines.cascade.pre_roll import PreRoll


def test_it_keeps_what_is_not_forgotten() -> None:
    pre_roll = PreRoll()
    pre_roll.push(0, b"\0\0\1\0\2\0")
    pre_roll.push(3, b"\3\0\4\0")
    pre_roll.forget(1)
    pre_roll.forget(-5)

    assert pre_roll.since(3) == b"\3\0\4\0"
    assert pre_roll.since(0) == b"\1\0\2\0\3\0\4\0"
    assert pre_roll.since(5) == b""


def test_a_jump_forgets_what_was_before() -> None:
    pre_roll = PreRoll()
    pre_roll.push(0, b"\0\0\1\0")
    pre_roll.push(100, b"\2\0")

    assert pre_roll.since(0) == b"\2\0"


def test_arrivals_are_found_by_the_window_they_completed() -> None:
    arrivals = Arrivals()
    for index in range(1000):
        arrivals.note(512 * (index + 1), float(index))

    assert arrivals.of(512 * 1000) == 999.0
    assert arrivals.of(512 * 600) == 599.0
    assert arrivals.of(512 * 600 + 1) is None
    assert arrivals.of(512) is None
