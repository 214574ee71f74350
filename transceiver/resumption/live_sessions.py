"""The sessions that a worker holds, by id, whatever they travel by."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from transceiver.close_reason import CloseReason
from transceiver.resumption.continuity import TakenUp
from transceiver.resumption.snapshot import Snapshot
from transceiver.resumption.snapshot_log import Recorded

GOES_ON = frozenset({CloseReason.SHUTDOWN, CloseReason.RESUMED})
"""How a session ends here that may go on elsewhere."""

MAX_PARKED = 1000


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


class ClosingSession(LiveSession, Protocol):
    closed: CloseReason | None
    """Set from its end on; for a moment longer it is among the live ones."""


@dataclass(slots=True)
class _Snapshots:
    """Of a conversation that stands still."""

    kept: Snapshot
    revision: object = 0

    def snapshot(self) -> Snapshot:
        return self.kept


class ParkedSession:
    """What is left of a session whose client was lost: no engine and no transport, but for a
    while the conversation."""

    closed: CloseReason | None = None

    def __init__(self, session_id: str, taken: TakenUp, live: "LiveSessions", until: float) -> None:
        self.session_id = session_id
        self.generation = taken.generation
        self.until = until
        self._live = live
        self._taken = taken
        self.record = _Snapshots(taken.snapshot)

    def take(self, last_event_id: str | None) -> TakenUp:
        self._live.remove(self, over=False)
        return self._taken


class LiveSessions:
    """Mutated as sessions begin and end."""

    def __init__(self, seconds: float = 0.0) -> None:
        """A call that lost its client is parked for so long; 0: not at all."""
        self._seconds = seconds
        self._now = 0.0
        self._sessions: dict[str, ClosingSession] = {}
        self._parked: dict[str, ParkedSession] = {}
        self._over: list[str] = []

    @property
    def open(self) -> Mapping[str, LiveSession]:
        return self._sessions

    def find(self, session_id: str) -> LiveSession | None:
        """The session, unless it has ended."""
        session = self._sessions.get(session_id)
        return None if session is None or session.closed is not None else session

    def add(self, session: ClosingSession) -> None:
        """It takes the place of another with its id, which ends."""
        older = self.find(session.session_id)
        if older is not None and older is not session:
            older.take(None)
        self._sessions[session.session_id] = session
        self._parked.pop(session.session_id, None)

    def leave(self, call: ClosingSession, now: float) -> None:
        """A call is over; where its client was lost it is parked."""
        if self._sessions.get(call.session_id) is not call:
            return
        lost = call.closed is CloseReason.CONSENT_LOST
        # One that goes on with a conversation had a client, who may try again.
        lost |= call.closed is CloseReason.SETUP_TIMEOUT and call.generation > 0
        if not lost or not self._park(call.session_id, call.take(None), now):
            self.remove(call, over=call.closed not in GOES_ON)

    def put_back(self, session_id: str, taken: TakenUp) -> None:
        """What was taken could not go on after all: it waits for the client's next attempt."""
        if self.find(session_id) is None:
            self._park(session_id, taken, self._now)

    def _park(self, session_id: str, taken: TakenUp, now: float) -> bool:
        """Whether there was room."""
        if not self._seconds or len(self._parked) >= MAX_PARKED:
            return False
        parked = ParkedSession(session_id, taken, self, now + self._seconds)
        self._sessions[session_id] = self._parked[session_id] = parked
        return True

    def remove(self, session: LiveSession, *, over: bool) -> None:
        """The session is here no more; `over` where it does not go on elsewhere either."""
        if self._sessions.get(session.session_id) is session:
            del self._sessions[session.session_id]
            self._parked.pop(session.session_id, None)
            if over:
                self._over.append(session.session_id)

    def tick(self, now: float) -> None:
        """Forget those that nobody came for."""
        self._now = now
        for parked in [each for each in self._parked.values() if now > each.until]:
            self.remove(parked, over=True)

    def drain_over(self) -> list[str]:
        """The ids of sessions that are over since the last call: nobody resumes them."""
        over, self._over = self._over, []
        return over
