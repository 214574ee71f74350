"""Answers that join no conversation, given beside the one that does."""

from inference.engines.cascade.answer import Answer
from inference.error_code import EngineError, ErrorCode

MAX_ASIDES = 16
"""Of one session at once: each may have a brain and a voice at work."""


class Asides:
    """Those of one session that are not over."""

    def __init__(self) -> None:
        self._answers: dict[int, Answer] = {}

    @property
    def speaking(self) -> bool:
        """Whether one of them is to be heard."""
        return any(answer.spoken for answer in self._answers.values())

    def begin(self, answer: Answer) -> None:
        """Raises EngineError when there are too many."""
        if len(self._answers) >= MAX_ASIDES:
            raise EngineError(
                ErrorCode.RESPONSE_ACTIVE, f"{MAX_ASIDES} responses out of band are not done"
            )
        self._answers[answer.response] = answer
        answer.start()

    def end(self, answer: Answer) -> None:
        """It is over."""
        self._answers.pop(answer.response, None)

    def cancel(self, response: int) -> Answer | None:
        """Stop it; None where there is no such one."""
        answer = self._answers.get(response)
        if answer is not None:
            answer.cancel()
        return answer

    def cancel_all(self) -> None:
        for answer in list(self._answers.values()):
            answer.cancel()

    def played(self, response: int, played_ms: int) -> None:
        answer = self._answers.get(response)
        if answer is not None and answer.speaker is not None:
            answer.speaker.played(played_ms)
