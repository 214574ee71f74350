"""Asking the model from the event loop: answers, failures, and too many questions."""

import asyncio
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from inference.engines.cascade.counters import TurnModelCounters
from inference.engines.cascade.turn_detection.log_mel import Floats
from inference.engines.cascade.turn_detection.turn_judge import MAX_WAITING, TurnJudge


class Model:
    """Answers with its loudest sample, once it is let go."""

    samples = 1600

    def __init__(self) -> None:
        self.go = threading.Event()
        self.go.set()

    def judge(self, sound: Floats) -> float:
        assert self.go.wait(10)
        if len(sound) == 0:
            raise RuntimeError("nothing to judge")
        return float(sound.max())


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def counters() -> TurnModelCounters:
    return TurnModelCounters()


@pytest.fixture
def judge(model: Model, counters: TurnModelCounters) -> Iterator[TurnJudge]:
    judge = TurnJudge(model, counters)
    yield judge
    model.go.set()
    judge.close()


def ask(judge: TurnJudge, pcm: bytes) -> "asyncio.Future[float | None]":
    answer = asyncio.get_running_loop().create_future()
    assert judge.ask(pcm, answer.set_result)
    return answer


async def test_an_answer(judge: TurnJudge, counters: TurnModelCounters) -> None:
    pcm = np.array([0, 16384, -100], "<i2").tobytes()
    assert await ask(judge, pcm) == 0.5
    assert (counters.answered, counters.failed, counters.shed) == (1, 0, 0)
    assert counters.seconds > 0


async def test_a_model_that_raises(judge: TurnJudge, counters: TurnModelCounters) -> None:
    assert await ask(judge, b"") is None
    assert await ask(judge, b"\0\0") == 0, "another question is not hurt"
    assert (counters.answered, counters.failed) == (1, 1)


async def test_too_many_questions(
    judge: TurnJudge, model: Model, counters: TurnModelCounters
) -> None:
    model.go.clear()
    answers = [ask(judge, b"\0\0") for _ in range(MAX_WAITING)]
    assert not judge.ask(b"\0\0", lambda _: pytest.fail("was asked all the same"))
    assert counters.shed == 1
    await asyncio.sleep(0)  # the loop goes on while the model is stuck
    model.go.set()
    assert await asyncio.gather(*answers) == [0.0] * MAX_WAITING
    assert await ask(judge, b"\0\0") == 0.0


async def test_closed_with_questions_waiting(judge: TurnJudge, model: Model) -> None:
    model.go.clear()
    answers = [ask(judge, b"\0\0") for _ in range(3)]
    judge.close()
    model.go.set()
    assert await answers[0] == 0.0
