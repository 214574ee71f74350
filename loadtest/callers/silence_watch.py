"""Whether a call that was up was silent when it had to be heard, to its end.

An echo has to be heard as long as something is said. Of answers some may fail to come, which is
counted by turns: a call is silent if none did.
"""

from loadtest.callers.talk import Turn
from loadtest.scenario.scenario import Expect, Talk, TalkModel


class SilenceWatch:
    """Of one call."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._spoke_at: float | None = None
        """When it spoke first after it heard something."""
        self._answered = self._unanswered = False

    def spoke(self, now: float) -> None:
        if self._spoke_at is None:
            self._spoke_at = now

    def heard(self) -> None:
        self._answered = True
        if self._talk.expect is Expect.ECHO:
            self._spoke_at = None

    def turn(self, turn: Turn) -> None:
        """One is over."""
        self._unanswered |= turn.answered_at is None

    def silent(self, now: float) -> bool:
        """Whether the call, which ends, was silent."""
        if self._spoke_at is None:
            return False
        waited = now - self._spoke_at > self._talk.patience_seconds
        if self._talk.expect is Expect.ECHO:
            return waited
        # Who asks says when patience ends; speech on and off has no end to wait from.
        due = self._unanswered or (waited and self._talk.model is not TalkModel.TURNS)
        return due and not self._answered
