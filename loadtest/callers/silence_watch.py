"""Whether a call that was up was silent when it had to be heard."""

from loadtest.callers.talk import Turn
from loadtest.scenario.scenario import Talk, TalkModel


class SilenceWatch:
    """Of one call: nothing at all was heard, though an answer was due."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._spoke_at: float | None = None
        self._heard = self._unanswered = False

    def spoke(self, now: float) -> None:
        if self._spoke_at is None:
            self._spoke_at = now

    def heard(self) -> None:
        self._heard = True

    def turn(self, turn: Turn) -> None:
        """One is over."""
        self._unanswered |= turn.answered_at is None

    def silent(self, now: float) -> bool:
        """Whether the call, which ends, was silent all the while."""
        if self._heard or self._spoke_at is None:
            return False
        # Who asks says when patience ends; speech on and off has no end to wait from.
        waited = now - self._spoke_at > self._talk.patience_seconds
        return self._unanswered or (waited and self._talk.model is not TalkModel.TURNS)
