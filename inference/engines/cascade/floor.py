"""Who has the floor: holds a trial of speech that begins while the agent speaks."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable

from antiphon_proto.trunk import FloorTaken
from inference.engine import Emit
from inference.engines.cascade.counters import Verdict
from inference.engines.cascade.interruption import Interruption
from inference.engines.cascade.speech_recognition import RecognitionError
from inference.engines.cascade.user_turn import UserTurn

Conclude = Callable[[bool], None]
"""Takes whether the speech that ended is a turn."""


class Floor:
    """Follows one session's speech; without an agent that speaks, all of it is turns."""

    def __init__(self, emit: Emit, clock: Callable[[], float], counters: Counter[Verdict]) -> None:
        self._counters = counters
        self.agent_speaks: Callable[[], bool] = lambda: False
        """Whether an answer is being made or played."""
        self._emit = emit
        self._clock = clock
        self._trial: Interruption | None = None
        self._verdict: asyncio.Task[None] | None = None
        self._pending: tuple[UserTurn, Conclude] | None = None

    def speech_began(self, voiced: int) -> None:
        """With sample `voiced`. What waits for its verdict gets it now."""
        if self._pending is not None:
            turn, conclude = self._pending
            self._settle(turn.words_so_far, conclude)
        self._trial = Interruption(voiced) if self.agent_speaks() else None

    def words_heard(self, words: str, position: int) -> None:
        """All words of the speech that goes on, understood until sample `position`."""
        if self._pending is None and self._trial is not None and self._trial.hear(words, position):
            self._take()

    def voice_heard(self, voiced_end: int) -> None:
        """The speech that goes on has voice up to sample `voiced_end`."""
        if self._pending is None and self._trial is not None and self._trial.go_on(voiced_end):
            self._take()

    def speech_ended(self, turn: UserTurn, conclude: Conclude) -> None:
        """Have it concluded whether `turn` is one: at once, or when its words are final."""
        if self._trial is None:
            conclude(True)
            return
        self._pending = turn, conclude
        self._verdict = asyncio.create_task(self._hear_out(turn, conclude))

    def agent_cut(self) -> None:
        """Nothing is left that could go on: the speech is a turn."""
        if self._pending is None:
            self._trial = None

    def reset(self) -> UserTurn | None:
        """Forget the speech; gives the turn that waits for its verdict, if one does."""
        turn = self._pending[0] if self._pending is not None else None
        self._close_trial()
        return turn

    async def _hear_out(self, turn: UserTurn, conclude: Conclude) -> None:
        words: str | None = None
        with contextlib.suppress(RecognitionError):
            words = await turn.transcript(self._clock)
        self._verdict = None
        self._settle(words, conclude)

    def _settle(self, words: str | None, conclude: Conclude) -> None:
        """None: they were lost, and whoever spoke has to hear of it."""
        trial = self._trial
        self._close_trial()
        is_turn = trial is None or words is None or trial.is_turn(words)
        if trial is not None:
            self._counters[Verdict.TAKEN if is_turn else Verdict.DISMISSED] += 1
        conclude(is_turn)

    def _take(self) -> None:
        self._trial = None
        self._counters[Verdict.TAKEN] += 1
        self._emit(FloorTaken())

    def _close_trial(self) -> None:
        self._trial = self._pending = None
        if self._verdict is not None:
            self._verdict.cancel()
            self._verdict = None
