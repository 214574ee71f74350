import pytest

from bench.transceiver.engine_delays import LossDelay, frame_delays, loss_delay
from bench.transceiver.redundancy_run import recoverable

FRAMES = 600
LOST = 300


def test_frames_are_known_by_their_media_time() -> None:
    spoken_at = [5.0, 5.02, 5.04]
    notes = [(0.0, 5.001), (0.02, 5.022), (0.04, 5.05), (0.06, 9.0)]
    assert frame_delays(spoken_at, notes) == pytest.approx({0: 0.001, 1: 0.002, 2: 0.01})


def test_a_wait_for_the_missing_frame_is_paid_once() -> None:
    delays = dict.fromkeys(range(FRAMES), 0.001)
    delays |= {LOST + 1: 0.041, LOST + 2: 0.021}
    assert loss_delay(delays, LOST) == LossDelay(pytest.approx(0.04), pytest.approx(0.0))


def test_a_buffer_that_grows_is_paid_for_good() -> None:
    delays = {frame: 0.081 if frame <= LOST else 0.281 for frame in range(FRAMES)}
    assert loss_delay(delays, LOST) == LossDelay(pytest.approx(0.2), pytest.approx(0.2))


def test_the_lost_frame_itself_does_not_count() -> None:
    delays = {frame: 9.0 if frame == LOST else 0.001 for frame in range(FRAMES)}
    assert loss_delay(delays, LOST) == LossDelay(0.0, 0.0)


def test_nothing_is_said_of_a_call_that_ended_at_once() -> None:
    assert loss_delay(dict.fromkeys(range(LOST + 50), 0.001), LOST) is None


def test_a_frame_can_be_recovered_from_the_next_that_arrives() -> None:
    assert recoverable([3, 4, 8], sent=10) == 2
    assert recoverable([9], sent=10) == 0
