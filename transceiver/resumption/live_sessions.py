"""The sessions that a worker holds, by id, whatever they travel by."""

from collections.abc import Mapping
from typing import Protocol

from transceiver.close_reason import CloseReason
from transceiver.resumption.continuity import TakenUp
from transceiver.resumption.snapshot_log import Recorded

GOES_ON = frozenset({CloseReason.SHUTDOWN, CloseReason.RESUMED})
"""How a session ends here that may go on elsewhere."""


class LiveSession(Protocol):
    """A session whose client may be there or not."""

    @property
    def session_id(self) -> str: ...

    @property
    def generation(self) -> int:
        """Of the snapshot that it was restored from; 0 where it began here."""

    @property
    def record(self) -> Recorded:
        """What is to be written down of it."""

    def take(self, last_event_id: str | None) -> TakenUp:
        """End it here; it goes on elsewhere with what is returned."""


class LiveSessions:
    """Mutated as sessions begin and end."""

    def __init__(self) -> None:
        self._sessions: dict[str, LiveSession] = {}
        self._over: list[str] = []

    @property
    def open(self) -> Mapping[str, LiveSession]:
        return self._sessions

    def find(self, session_id: str) -> LiveSession | None:
        return self._sessions.get(session_id)

    def add(self, session: LiveSession) -> None:
        self._sessions[session.session_id] = session

    def remove(self, session: LiveSession, *, over: bool) -> None:
        """The session is here no more; `over` where it does not go on elsewhere either."""
        if self._sessions.get(session.session_id) is session:
            del self._sessions[session.session_id]
            if over:
                self._over.append(session.session_id)

    def drain_over(self) -> list[str]:
        """The ids of sessions that are over since the last call: nobody resumes them."""
        over, self._over = self._over, []
        return over
