"""What an end-of-turn model's answers do to the pause that ends a turn."""

from collections.abc import Callable

import pytest

from antiphon_proto.trunk import Eagerness
from inference.engines.cascade.turn_detection.eagerness import WAITS
from inference.engines.cascade.turn_detection.model import ASK_AFTER_MS, BEFORE_MS, ModelDetector
from inference.engines.cascade.turn_detection.semantic import SemanticDetector
from inference.engines.cascade.turn_detection.turn_detector import VoiceEnded
from tests.inference.engines.cascade.turn_detection.voice import RATE, WINDOW, WINDOW_MS, feed

WAIT = WAITS[Eagerness.MEDIUM]
WHOLE, HANGING = "what is twelve plus thirty", "what is twelve plus"


class Judge:
    """Remembers what it was asked, and answers when a test tells it to."""

    samples = RATE

    def __init__(self) -> None:
        self.questions: list[tuple[bytes, Callable[[float | None], None]]] = []
        self.busy = False

    def ask(self, pcm: bytes, on_likelihood: Callable[[float | None], None]) -> bool:
        if not self.busy:
            self.questions.append((pcm, on_likelihood))
        return not self.busy

    def answer(self, likelihood: float | None) -> None:
        self.questions[-1][1](likelihood)


@pytest.fixture
def judge() -> Judge:
    return Judge()


@pytest.fixture
def detector(judge: Judge) -> ModelDetector:
    return ModelDetector(SemanticDetector(0.5, Eagerness.MEDIUM, RATE), judge, RATE)


def waited_ms(detector: ModelDetector, start: int) -> float:
    ended = feed(detector, [0.0] * 300, start)[0]
    assert isinstance(ended, VoiceEnded)
    return (ended.position - ended.voiced_end) * 1000 / RATE


@pytest.mark.parametrize(
    ("text", "likelihood", "expected_ms"),
    [
        (HANGING, 1.0, WAIT.complete_ms),
        (WHOLE, 0.0, WAIT.incomplete_ms),
        (WHOLE, 0.5, WAIT.wait_ms(0.5)),
    ],
)
def test_it_is_believed_rather_than_the_words(
    detector: ModelDetector, judge: Judge, text: str, likelihood: float, expected_ms: float
) -> None:
    feed(detector, [0.9, *[0.0] * 8])
    judge.answer(likelihood)
    detector.update_text(text)
    assert detector.predict() == likelihood
    assert expected_ms <= waited_ms(detector, 9) < expected_ms + WINDOW_MS


def test_it_is_asked_once_a_pause(detector: ModelDetector, judge: Judge) -> None:
    windows = ASK_AFTER_MS // WINDOW_MS
    feed(detector, [0.9, *[0.0] * windows])
    assert judge.questions == []
    feed(detector, [0.0] * 5, start=1 + windows)
    assert len(judge.questions) == 1
    feed(detector, [0.9, *[0.0] * 10], start=6 + windows)
    assert len(judge.questions) == 2


@pytest.mark.parametrize("silent", ["shed", "late", "failed"])
def test_without_an_answer_the_words_decide(
    detector: ModelDetector, judge: Judge, silent: str
) -> None:
    judge.busy = silent == "shed"
    detector.update_text(WHOLE)
    feed(detector, [0.9, *[0.0] * 8])
    if silent == "failed":
        judge.answer(None)
    assert waited_ms(detector, 9) == pytest.approx(WAIT.complete_ms, abs=WINDOW_MS)


def test_an_answer_about_an_earlier_pause_is_not_believed(
    detector: ModelDetector, judge: Judge
) -> None:
    feed(detector, [0.9, *[0.0] * 8])
    _, answer_late = judge.questions[0]
    detector.update_text(HANGING)
    feed(detector, [0.9, 0.0], start=9)
    answer_late(1.0)
    assert detector.predict() == 0.0

    judge_asked = len(judge.questions)
    feed(detector, [0.0] * 8, start=11)
    assert len(judge.questions) == judge_asked + 1
    judge.answer(1.0)
    assert detector.predict() == 1.0
    feed(detector, [0.9], start=19)
    assert detector.predict() == 0.0, "the user went on: only the words are left"


def test_a_model_that_failed_is_not_asked_again(detector: ModelDetector, judge: Judge) -> None:
    feed(detector, [0.9, *[0.0] * 8])
    judge.answer(None)
    feed(detector, [0.9, *[0.0] * 8], start=9)
    assert len(judge.questions) == 1


def test_what_it_hears(detector: ModelDetector, judge: Judge) -> None:
    """The turn from a little before its first voiced window, at most as much as it looks at."""
    before = BEFORE_MS * RATE // 1000 // WINDOW

    def hear(first: int, last: int, probability: float) -> None:
        for number in range(first, last):
            detector.push_audio(number * WINDOW, number.to_bytes(2, "little") * WINDOW)
            feed(detector, [probability], start=number)

    hear(0, 40, 0.0)
    hear(40, 42, 0.9)
    hear(42, 50, 0.0)
    pcm, _ = judge.questions[0]
    assert len(pcm) <= RATE * 2

    numbers = [int.from_bytes(pcm[at : at + 2], "little") for at in range(0, len(pcm), 2)]
    assert numbers[-1] == 48
    assert len(numbers) // WINDOW in (49 - 41 + before, 49 - 41 + before + 1)


def test_reset(detector: ModelDetector, judge: Judge) -> None:
    feed(detector, [0.9, *[0.0] * 8])
    detector.reset()
    judge.answer(1.0)
    assert (detector.voiced_end, detector.silence, detector.predict()) == (None, 0, 0.5)
