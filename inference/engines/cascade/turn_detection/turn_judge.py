"""Asks an end-of-turn model in a thread of its own, so that no session waits for another's."""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np

from inference.engines.cascade.counters import TurnModelCounters
from inference.engines.cascade.turn_detection.log_mel import Floats

logger = logging.getLogger(__name__)

MAX_WAITING = 8
"""Questions under way; an answer that would come later is of no use to anybody."""

OnLikelihood = Callable[[float | None], None]


class TurnModel(Protocol):
    @property
    def samples(self) -> int:
        """How much sound it looks at."""

    def judge(self, sound: Floats) -> float:
        """How likely a turn that sounds like this is whole. May raise."""


class TurnJudge:
    """One model for all sessions of the process."""

    def __init__(self, model: TurnModel, counters: TurnModelCounters) -> None:
        self._model = model
        self._counters = counters
        self._waiting = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="turn-model")

    @property
    def samples(self) -> int:
        return self._model.samples

    def ask(self, pcm: bytes, on_likelihood: OnLikelihood) -> bool:
        """Have 16 bit samples judged; False where too many are already.

        `on_likelihood` is called from the event loop, with None when the model has failed.
        """
        if self._waiting >= MAX_WAITING:
            self._counters.shed += 1
            return False
        self._waiting += 1
        question = asyncio.get_running_loop().run_in_executor(self._thread, self._judge, pcm)

        def answer(question: asyncio.Future[tuple[float, float]]) -> None:
            self._waiting -= 1
            if not question.cancelled():
                on_likelihood(self._result(question))

        question.add_done_callback(answer)
        return True

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _judge(self, pcm: bytes) -> tuple[float, float]:
        """The likelihood, and the seconds that it took."""
        started = time.perf_counter()
        sound = np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32768)
        return self._model.judge(sound), time.perf_counter() - started

    def _result(self, question: "asyncio.Future[tuple[float, float]]") -> float | None:
        if error := question.exception():
            self._counters.failed += 1
            logger.warning("the end-of-turn model failed: %s", error)
            return None
        likelihood, seconds = question.result()
        self._counters.answered += 1
        self._counters.seconds += seconds
        return likelihood
