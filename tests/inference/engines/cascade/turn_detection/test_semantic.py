"""How long the semantic detector waits, and for what."""

import pytest

from antiphon_proto.trunk import Eagerness
from inference.engines.cascade.turn_detection.eagerness import WAITS
from inference.engines.cascade.turn_detection.semantic import (
    PAUSE_FACTOR,
    STABLE_MS,
    SemanticDetector,
)
from inference.engines.cascade.turn_detection.turn_detector import TurnDetector, VoiceEnded
from tests.inference.engines.cascade.turn_detection.voice import (
    RATE,
    WINDOW,
    WINDOW_MS,
    feed,
)

WHOLE, HANGING = "what is twelve plus thirty", "what is twelve plus"


@pytest.fixture
def detector() -> SemanticDetector:
    return SemanticDetector(0.5, Eagerness.MEDIUM, RATE)


def waited_ms(detector: TurnDetector, start: int) -> float:
    """Be silent from window `start` on until the turn ends."""
    ended = feed(detector, [0.0] * 300, start)[0]
    assert isinstance(ended, VoiceEnded)
    return (ended.position - ended.voiced_end) * 1000 / RATE


def about(milliseconds: float) -> object:
    """At least so long, and less than a window longer."""
    return pytest.approx(milliseconds + WINDOW_MS / 2, abs=WINDOW_MS / 2)


@pytest.mark.parametrize("eagerness", Eagerness)
def test_eagerness(eagerness: Eagerness) -> None:
    waits = WAITS[eagerness]
    for text, expected in ((WHOLE, waits.complete_ms), (HANGING, waits.incomplete_ms)):
        detector = SemanticDetector(0.5, eagerness, RATE)
        feed(detector, [0.9])
        detector.update_text(text)
        assert waited_ms(detector, 1) == about(expected)


def test_without_words_it_waits_between_the_two(detector: SemanticDetector) -> None:
    feed(detector, [0.9])
    waits = WAITS[Eagerness.MEDIUM]
    assert waits.complete_ms < waited_ms(detector, 1) < waits.incomplete_ms / 2


def test_words_that_still_change_are_waited_for(detector: SemanticDetector) -> None:
    feed(detector, [0.9])
    detector.update_text("what is twelve")
    feed(detector, [0.0] * 14, start=1)
    detector.update_text(WHOLE)
    assert waited_ms(detector, 15) == about(14 * WINDOW_MS + STABLE_MS)


def test_words_that_never_come_to_rest_end_all_the_same(detector: SemanticDetector) -> None:
    feed(detector, [0.9])
    for window in range(1, 200):
        detector.update_text(f"{WHOLE} {window}")
        if feed(detector, [0.0], start=window):
            break
    assert window * WINDOW_MS == about(WAITS[Eagerness.MEDIUM].incomplete_ms)


def test_who_has_paused_for_long_is_waited_for_longer(detector: SemanticDetector) -> None:
    detector.update_text("hello")
    feed(detector, [0.9, *[0.0] * 14, 0.9])
    detector.update_text(f"hello {WHOLE}")
    assert waited_ms(detector, 16) == about(PAUSE_FACTOR * 14 * WINDOW_MS)

    feed(detector, [0.9], start=400)
    detector.update_text("hello")
    assert waited_ms(detector, 401) == about(WAITS[Eagerness.MEDIUM].complete_ms)


def test_a_pause_within_a_sentence_says_nothing_of_its_end(detector: SemanticDetector) -> None:
    feed(detector, [0.9])
    detector.update_text(HANGING)
    feed(detector, [*[0.0] * 60, 0.9], start=1)
    detector.update_text(WHOLE)
    assert waited_ms(detector, 62) == about(WAITS[Eagerness.MEDIUM].complete_ms)


def test_a_new_turn_starts_without_words(detector: SemanticDetector) -> None:
    feed(detector, [0.9])
    detector.update_text(HANGING)
    assert detector.predict() == 0.0
    detector.reset()
    assert detector.predict() == 0.5
    assert detector.voiced_end is None
    assert feed(detector, [0.0] * 10, start=1) == []


def test_it_goes_on_with_a_turn_that_has_begun() -> None:
    detector = SemanticDetector(0.5, Eagerness.MEDIUM, RATE, voiced_end=10 * WINDOW)
    detector.update_text(WHOLE)
    assert waited_ms(detector, 10) == about(WAITS[Eagerness.MEDIUM].complete_ms)
