import numpy as np
import pytest

from antiphon.received_audio import ReceivedAudio
from antiphon.wav import RATE, Samples

FRAME = 960


def frame(value: int) -> Samples:
    return np.full(FRAME, value, dtype=np.int16)


def seconds(samples: int) -> float:
    return samples / RATE


def test_frames_keep_the_distance_of_their_timestamps_however_they_jitter() -> None:
    heard = ReceivedAudio()
    heard.add(5000, frame(100), arrived_at=10.0)
    heard.add(5000 + FRAME, frame(200), arrived_at=10.093)
    heard.add(5000 + 3 * FRAME, frame(400), arrived_at=10.061)
    recording = heard.recording(10.0 - seconds(FRAME), 10.0 + seconds(5 * FRAME))
    assert recording[FRAME // 2 :: FRAME].tolist() == [0, 100, 200, 0, 400, 0]


def test_timestamps_wrap() -> None:
    heard = ReceivedAudio()
    heard.add(2**32 - FRAME, frame(100), arrived_at=1.0)
    heard.add(0, frame(200), arrived_at=1.02)
    assert heard.frames[1].starts_at == pytest.approx(1.02)


@pytest.mark.parametrize("timestamp", [FRAME, 10 * RATE])
def test_timestamps_that_stand_still_or_jump_are_tied_to_the_clock_anew(timestamp: int) -> None:
    heard = ReceivedAudio()
    heard.add(0, frame(100), arrived_at=1.0)
    heard.add(timestamp, frame(200), arrived_at=4.0)
    heard.add(timestamp + FRAME, frame(300), arrived_at=4.05)
    assert [f.starts_at for f in heard.frames] == pytest.approx([1.0, 4.0, 4.02])


def test_a_recording_cuts_what_lies_outside() -> None:
    heard = ReceivedAudio()
    heard.add(0, frame(100), arrived_at=1.0)
    heard.add(FRAME, frame(200), arrived_at=1.02)
    recording = heard.recording(1.01, 1.03)
    assert recording.tolist() == [100] * (FRAME // 2) + [200] * (FRAME // 2)
    assert heard.recording(2.0, 1.0).size == 0
    assert not heard.recording(5.0, 6.0).any()


def test_audible_frames_are_found_by_when_they_arrived() -> None:
    heard = ReceivedAudio()
    assert heard.last_audible_at is None
    for index, value in enumerate([0, 5000, 5000, 0]):
        heard.add(index * FRAME, frame(value), arrived_at=1 + index * 0.02)
    assert heard.first_audible_after(0.0) == pytest.approx(1.02)
    assert heard.first_audible_after(1.03) == pytest.approx(1.04)
    assert heard.first_audible_after(1.05) is None
    assert heard.last_audible_at == pytest.approx(1.04)
