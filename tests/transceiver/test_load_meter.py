"""The load of threads whose times are made up, and which calls fit beside it."""

import pytest

from transceiver.load_meter import PRIOR_COST, SAMPLE_S, LoadMeter, ThreadTime

LIMIT = 0.8


class Thread:
    """Runs for `share` of the time in which no other has its core; `stolen` of the time one has."""

    def __init__(self) -> None:
        self.now = 50.0
        self.time = ThreadTime(3.0, 4.0)
        self.meter = LoadMeter(self.now, self.time)

    def run(self, seconds: float, share: float, *, calls: int = 0, stolen: float = 0.0) -> None:
        for _ in range(round(seconds / SAMPLE_S)):
            self.now += SAMPLE_S
            ran = share * (1 - stolen) * SAMPLE_S
            self.time = ThreadTime(self.time.ran_s + ran, self.time.waited_s + stolen * SAMPLE_S)
            self.meter.sample(self.now, self.time, calls)

    def admit(self, wanted: int) -> int:
        """How many calls of a burst get in."""
        admitted = 0
        for _ in range(wanted):
            if self.meter.fits_one_more(LIMIT):
                self.meter.admitted(self.now)
                admitted += 1
        return admitted


@pytest.fixture
def thread() -> Thread:
    return Thread()


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("stolen", [0.0, 0.5])
def test_the_load_is_the_share_of_the_time_that_the_thread_could_have_had(
    thread: Thread, share: float, stolen: float
) -> None:
    thread.run(20, share, stolen=stolen)
    assert thread.meter.load == pytest.approx(share, abs=1e-3)


def test_the_load_is_smoothed_over_two_seconds(thread: Thread) -> None:
    thread.run(2, 1.0)
    assert thread.meter.load == pytest.approx(1 - 1 / 2.718, abs=0.01)


def test_a_thread_that_only_ever_waited_is_as_busy_as_can_be(thread: Thread) -> None:
    thread.run(20, 0.0, stolen=1.0)
    assert thread.meter.load == pytest.approx(1.0, abs=1e-3)


def test_two_samples_at_one_moment_are_one(thread: Thread) -> None:
    thread.run(20, 0.4)
    load = thread.meter.load
    thread.meter.sample(thread.now, thread.time, 0)
    assert thread.meter.load == load


def test_the_cost_of_a_call_is_assumed_and_then_measured(thread: Thread) -> None:
    assert thread.meter.cost == PRIOR_COST
    thread.run(20, 0.5, calls=200)
    assert thread.meter.cost == pytest.approx(0.5 / 200, rel=0.2)


def test_a_burst_gets_in_as_far_as_its_expected_cost_fits(thread: Thread) -> None:
    thread.run(20, 0.6, calls=80)
    room = (LIMIT - 0.6) / (0.6 / 80)
    assert thread.admit(50) == pytest.approx(room, abs=2)
    assert thread.admit(1) == 0


def test_callers_that_keep_coming_and_speak_later_never_overload_the_worker(
    thread: Thread,
) -> None:
    """What is reserved for a call fades no faster than its cost comes to show."""
    cost, silent_steps = 0.6 / 80, 4
    thread.run(20, 0.6, calls=80)
    open_calls = [80] * silent_steps
    for _ in range(80):
        open_calls.append(open_calls[-1] + thread.admit(50))
        thread.run(SAMPLE_S, open_calls[-1 - silent_steps] * cost, calls=open_calls[-1])
    assert thread.meter.load <= LIMIT
    assert open_calls[-1] == pytest.approx(LIMIT / cost, abs=3)


def test_room_comes_back_when_calls_end(thread: Thread) -> None:
    thread.run(20, 0.795, calls=100)
    assert thread.admit(1) == 0
    thread.run(10, 0.4, calls=50)
    assert thread.admit(1) == 1
