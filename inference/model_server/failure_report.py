"""Which failures of a model server its operator is told of, and in which words.

A wrong key fails every request, and a dead server many in a second: each kind of failure of a
server is told once, and once a minute while it lasts.
"""

from inference.model_server.counters import Outcome
from inference.model_server.model_server_error import ModelServerError

REPEAT_AFTER_S = 60.0

ADVICE = {
    401: "is its key right?",
    403: "may its key do that?",
    404: "are its URL and the model's name right?",
}
"""What a status mostly means."""

OF_THE_REQUEST = frozenset({400, 413, 422})
"""Statuses that one caller's request may earn, or one that the next try words otherwise."""


class FailureReport:
    """One server's."""

    def __init__(self, name: str) -> None:
        """`name` is how lines of log call the server."""
        self._name = name
        self._told: dict[str, _Told] = {}

    def line(self, error: ModelServerError, now: float) -> str | None:
        """What to log of a failure, if anything."""
        if error.outcome is Outcome.CIRCUIT_OPEN or error.status in OF_THE_REQUEST:
            return None
        kind = str(error)
        told = self._told.setdefault(kind, _Told())
        if now < told.again_at:
            told.unsaid += 1
            return None
        line = f"{self._name} {kind}"
        if error.status in ADVICE:
            line += f": {ADVICE[error.status]}"
        if told.unsaid:
            line += f" ({told.unsaid} times more since this was said last)"
        told.again_at, told.unsaid = now + REPEAT_AFTER_S, 0
        return line


class _Told:
    """When a kind of failure may be told again, and how many were not."""

    __slots__ = ("again_at", "unsaid")

    def __init__(self) -> None:
        self.again_at = float("-inf")
        self.unsaid = 0
