"""What is shed when a model is late."""

from collections import Counter

import numpy as np

from inference.engines.native.backlog import HARD_FRAMES, SOFT_FRAMES, Backlog, Shed
from inference.engines.native.step import STEP_SAMPLES, Samples


def voice(level: float) -> Samples:
    return np.full(STEP_SAMPLES, level, np.float32)


def test_silence_is_shed_first_and_the_oldest_first() -> None:
    shed: Counter[Shed] = Counter()
    backlog = Backlog(shed)
    for level in (0.1, 0.0001, 0.2, 0.0002, 0.3):
        backlog.push(voice(level))
    assert shed == {Shed.SILENCE: 1}
    assert [backlog.pop()[0] for _ in range(len(backlog))] == [
        np.float32(level) for level in (0.1, 0.2, 0.0002, 0.3)
    ]


def test_silence_is_heard_while_the_model_keeps_up() -> None:
    shed: Counter[Shed] = Counter()
    backlog = Backlog(shed)
    for _ in range(10):
        for _ in range(SOFT_FRAMES):
            backlog.push(voice(0))
        for _ in range(SOFT_FRAMES):
            backlog.pop()
    assert not shed


def test_it_is_bounded() -> None:
    shed: Counter[Shed] = Counter()
    backlog = Backlog(shed)
    for index in range(HARD_FRAMES + 7):
        backlog.push(voice(0.1 + index / 1000))
    assert len(backlog) == HARD_FRAMES
    assert shed == {Shed.OVERFLOW: 7}
    assert backlog.pop()[0] == np.float32(0.1 + 7 / 1000)
