"""How many wrong passwords a network may try before what it says goes unread."""

from chassis.failure_budgets import FailureBudgets

GUESSES_PER_SECOND = 0.2
BURST = 30.0
"""Enough for an office that was given a wrong file of passwords."""


class GuessLimiter(FailureBudgets):
    """A failure needs a nonce that was sent to this network, so nobody uses up another's."""

    def __init__(self) -> None:
        super().__init__(BURST, GUESSES_PER_SECOND)
