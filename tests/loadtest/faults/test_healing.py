"""How long a fault was felt, from what callers noted second by second."""

import msgspec
import pytest

from loadtest.faults.healing import healed
from loadtest.result import FaultRecord, Second


def second(
    number: int, *, heard: int = 500, sessions: int = 10, healing: float | None = None
) -> Second:
    """One in which 500 frames were sent."""
    return Second(
        second=number,
        sessions=sessions,
        counts={"frames_sent": 500, "frames_received": heard},
        latencies={} if healing is None else {"healing": (healing / 2, healing, healing)},
        workers_cpu=0.0,
    )


def fault(at: float) -> FaultRecord:
    return FaultRecord(second=at, action="kill", tier="relay")


def healed_seconds(*series: Second, at: float = 5.25) -> float | None:
    [record] = healed([fault(at)], series)
    return record.healed_seconds


BEFORE = [second(number) for number in range(5)]


def test_a_fault_that_nobody_felt_took_no_time() -> None:
    assert healed_seconds(*BEFORE, *(second(n) for n in range(5, 10))) == 0.0


def test_it_lasts_until_a_second_is_as_before() -> None:
    series = [*BEFORE, second(5, heard=300), second(6, heard=100), second(7), second(8)]
    assert healed_seconds(*series) == pytest.approx(1.75)


def test_what_calls_noted_tells_it_finer() -> None:
    series = [
        *BEFORE,
        second(5, heard=300, healing=0.31),
        second(6),
        second(7),
        second(8, healing=9.0),
    ]
    assert healed_seconds(*series) == 0.31


def test_calls_may_note_what_the_seconds_do_not_show() -> None:
    assert healed_seconds(*BEFORE, second(5, healing=0.12), second(6)) == 0.12


def test_a_call_that_never_healed_is_not_out_of_sight_among_many() -> None:
    series = [*BEFORE, *(second(n) for n in range(5, 29)), second(29, healing=24.2)]
    assert healed_seconds(*series) == 24.2


def test_a_fault_that_was_not_done_did_not_heal() -> None:
    [record] = healed([msgspec.structs.replace(fault(5.0), done=False)], [*BEFORE, second(5)])
    assert record.healed_seconds is None


def test_sessions_that_are_gone_are_not_healed() -> None:
    series = [*BEFORE, *(second(n, sessions=5) for n in range(5, 10))]
    assert healed_seconds(*series) is None


def test_what_begins_much_later_has_another_cause() -> None:
    series = [*BEFORE, *(second(n) for n in range(5, 9)), second(9, heard=0)]
    assert healed_seconds(*series) == 0.0


def test_a_fault_that_lasts_is_felt_as_long() -> None:
    lasting = msgspec.structs.replace(fault(5.0), lasted_seconds=3.5)
    series = [*BEFORE, *(second(n) for n in range(5, 9)), second(9, heard=0), second(10)]
    [record] = healed([lasting], series)
    assert record.healed_seconds == 5.0


def test_a_fault_before_which_nothing_was_heard_is_not_judged() -> None:
    assert healed_seconds(second(0), second(1), at=0.5) is None


def test_each_fault_is_judged_until_the_next() -> None:
    series = [*BEFORE, second(5, heard=0), second(6), *(second(n, heard=0) for n in range(7, 12))]
    first, then = healed([fault(7.0), fault(5.0)], series)
    assert (first.second, first.healed_seconds) == (5.0, 1.0)
    # Most of what was before it was as before the first one.
    assert (then.second, then.healed_seconds) == (7.0, None)
