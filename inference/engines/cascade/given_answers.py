"""The answers that were given of late: of each the history has only what was heard."""

from collections import deque
from dataclasses import dataclass

from inference.engines.cascade.brain.unsaid import resumed
from inference.engines.cascade.history import History
from inference.engines.cascade.spoken_answer import SpokenAnswer

MAX_GIVEN_ANSWERS = 32
"""Answers that can still be truncated to what was heard."""


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    response: int
    item_id: str
    said: str
    """What was heard of it from another replica."""
    spoken: SpokenAnswer


class GivenAnswers:
    """Of one session's `history`."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._answers: deque[GivenAnswer] = deque(maxlen=MAX_GIVEN_ANSWERS)

    def keep(self, answer: GivenAnswer) -> None:
        self._answers.append(answer)

    def cut(self, response: int, played_ms: int) -> None:
        """Only so much of a response was heard."""
        for answer in self._answers:
            if answer.response == response:
                self._truncate(answer, played_ms)

    def truncate(self, item_id: str, played_ms: int) -> None:
        """Only so much of an item was heard."""
        for answer in self._answers:
            if answer.item_id == item_id:
                self._truncate(answer, played_ms)

    def _truncate(self, answer: GivenAnswer, played_ms: int) -> None:
        heard = resumed(answer.said, answer.spoken.heard(played_ms))
        self._history.set_text(answer.item_id, heard)
