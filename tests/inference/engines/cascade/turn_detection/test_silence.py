"""A pause of a fixed length."""

import pytest

from inference.engines.cascade.turn_detection.silence import SilenceDetector
from inference.engines.cascade.turn_detection.turn_detector import (
    VoiceBegan,
    VoiceEnded,
)
from tests.inference.engines.cascade.turn_detection.voice import WINDOW, feed


@pytest.fixture
def detector() -> SilenceDetector:
    return SilenceDetector(threshold=0.5, silence_samples=3 * WINDOW)


def test_a_turn(detector: SilenceDetector) -> None:
    assert feed(detector, [0.1, 0.6, 0.9, 0.1, 0.1, 0.1, 0.1]) == [
        VoiceBegan(2 * WINDOW),
        VoiceEnded(3 * WINDOW, 6 * WINDOW),
    ]


def test_speech_goes_on_a_little_below_the_threshold(detector: SilenceDetector) -> None:
    assert feed(detector, [0.4, 0.4, 0.6, *[0.4] * 20]) == [VoiceBegan(3 * WINDOW)]
    assert detector.voiced_end == 23 * WINDOW


def test_a_short_pause_ends_nothing(detector: SilenceDetector) -> None:
    assert feed(detector, [0.9, 0.1, 0.1, 0.9, 0.1, 0.1, 0.1])[-1] == VoiceEnded(
        4 * WINDOW, 7 * WINDOW
    )


def test_a_hole_in_the_input_is_a_pause(detector: SilenceDetector) -> None:
    feed(detector, [0.9])
    assert feed(detector, [0.1], start=50) == [VoiceEnded(WINDOW, 51 * WINDOW)]


def test_reset_forgets_the_turn(detector: SilenceDetector) -> None:
    feed(detector, [0.9])
    detector.reset()
    assert detector.voiced_end is None
    assert feed(detector, [0.1] * 10) == []


def test_silence_is_counted_within_a_turn_only(detector: SilenceDetector) -> None:
    feed(detector, [0.1, 0.1])
    assert detector.silence == 0
    feed(detector, [0.9, 0.1, 0.1], start=2)
    assert detector.silence == 2 * WINDOW
    assert detector.predict() == 2 / 3
    feed(detector, [0.1], start=5)
    assert detector.silence == 0
