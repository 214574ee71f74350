"""When speech begins, and when a turn has ended."""

import pytest

from antiphon_proto.trunk import Eagerness, TurnDetection, TurnDetectionKind
from inference.engines.cascade.turn_detection.choice import turn_detector
from inference.engines.cascade.turn_detection.eagerness import WAITS
from inference.engines.cascade.turn_detection.semantic import SemanticDetector
from inference.engines.cascade.turn_detection.silence import SilenceDetector
from inference.engines.cascade.turn_detection.turn_detector import (
    TurnDetector,
    TurnSignal,
    VoiceBegan,
    VoiceEnded,
)

RATE = 16_000
WINDOW = 512


def feed(detector: TurnDetector, probabilities: list[float], start: int = 0) -> list[TurnSignal]:
    signals = [
        detector.push_voice(probability, (start + index + 1) * WINDOW)
        for index, probability in enumerate(probabilities)
    ]
    return [signal for signal in signals if signal is not None]


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


@pytest.mark.parametrize("eagerness", Eagerness)
@pytest.mark.parametrize(
    ("transcript", "complete"),
    [("what is twelve plus", False), ("", False), ("what is twelve plus thirty", True)],
)
def test_semantic_waits(eagerness: Eagerness, transcript: str, complete: bool) -> None:
    detector = SemanticDetector(0.5, eagerness, RATE)
    feed(detector, [0.9])
    detector.update_text(transcript)
    assert detector.predict() == float(complete)

    (ended,) = feed(detector, [0.0] * 300, start=1)

    waits = WAITS[eagerness]
    assert isinstance(ended, VoiceEnded)
    waited_ms = (ended.position - ended.voiced_end) * 1000 / RATE
    expected = waits.complete_ms if complete else waits.incomplete_ms
    assert expected <= waited_ms < expected + 33


def test_the_session_chooses() -> None:
    semantic = TurnDetection(kind=TurnDetectionKind.SEMANTIC_VAD, eagerness=Eagerness.HIGH)
    assert isinstance(turn_detector(semantic, RATE), SemanticDetector)
    server = turn_detector(TurnDetection(silence_duration_ms=320), RATE)
    assert isinstance(server, SilenceDetector)
    assert server.silence_samples == 5120
