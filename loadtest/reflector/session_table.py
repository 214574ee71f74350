"""The sessions that a reflector has handed out."""

import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from antiphon_proto.address import Address, encode_address
from loadtest.reflected_session import Session
from loadtest.reflector.session_rows import ADDRESS_BYTES, SessionState

UNCHECKED_S = 120.0
"""A session without any check is taken back after so long."""
SILENT_S = 40.0
"""One whose caller checks no more: it checks each 5 s, and gives up after 30 (RFC 7675)."""
REST_S = 5.0
"""How long a number rests: longer than a packet is on its way."""


class NoSessionsLeftError(Exception):
    """As many are out as this reflector holds."""


@dataclass(slots=True)
class OwnedSession:
    """What of a session Python alone needs."""

    number: int
    ssrc: int
    ufrag: bytes
    password: bytes = field(repr=False)
    caller_ufrag: bytes
    caller_password: bytes = field(repr=False)
    client: Address | None = None
    bound: bool = False


class SessionTable:
    """Sessions by number and by ufrag; what packets need of them is in `rows`."""

    def __init__(self, rows: Any, credentials: Callable[[], tuple[str, str]]) -> None:
        """`rows`: see `session_rows.ROW`; `credentials` mints an ufrag and its password."""
        self._rows = rows
        self._credentials = credentials
        self._sessions: list[OwnedSession | None] = [None] * len(rows)
        self._by_ufrag: dict[bytes, OwnedSession] = {}
        self._free = deque(range(len(rows)))
        self._resting: deque[tuple[float, int]] = deque()

    def __len__(self) -> int:
        """The sessions that are out."""
        return len(self._by_ufrag)

    def grant(self, count: int, now: float) -> list[Session]:
        """Raises NoSessionsLeftError when there are not so many."""
        self._wake(now)
        if len(self._free) < count:
            raise NoSessionsLeftError(f"{len(self)} sessions are out, of {len(self._rows)}")
        return [self._grant(self._free.popleft(), now) for _ in range(count)]

    def by_ufrag(self, ufrag: bytes) -> OwnedSession | None:
        return self._by_ufrag.get(ufrag)

    def heard(self, session: OwnedSession, now: float) -> None:
        """A check of its caller came."""
        self._rows[session.number]["heard_at"] = now

    def move(self, session: OwnedSession, client: Address) -> None:
        """Its caller checked from an address that is not the one it had."""
        row = self._rows[session.number]
        row["former"] = row["client"]
        row["client"] = _padded(client)
        row["state"] = SessionState.CHECKED
        session.client, session.bound = client, False

    def bind(self, session: OwnedSession) -> None:
        """Its caller answered a check."""
        self._rows[session.number]["state"] = SessionState.BOUND
        session.bound = True

    def end(self, number: int, now: float) -> OwnedSession | None:
        """The session of that number that is over now, if there was one."""
        if not 0 <= number < len(self._sessions):
            return None
        session = self._sessions[number]
        if session is not None:
            self._sessions[number] = None
            del self._by_ufrag[session.ufrag]
            self._rows[number]["state"] = SessionState.ENDED
            self._resting.append((now + REST_S, number))
        return session

    def silent(self, now: float) -> list[int]:
        """The numbers of sessions to take back."""
        state, heard_at = self._rows["state"], self._rows["heard_at"]
        granted = (state == SessionState.GRANTED) & (heard_at < now - UNCHECKED_S)
        checked = (state == SessionState.CHECKED) | (state == SessionState.BOUND)
        numbers: list[int] = np.flatnonzero(
            granted | checked & (heard_at < now - SILENT_S)
        ).tolist()
        return numbers

    def _grant(self, number: int, now: float) -> Session:
        ufrag, password = self._credentials()
        while ufrag.encode() in self._by_ufrag:
            ufrag, password = self._credentials()
        tag = int.from_bytes(secrets.token_bytes(8), "big", signed=True)
        granted = Session(
            number,
            tag,
            secrets.randbits(32),
            ufrag,
            password,
            secrets.token_hex(4),
            secrets.token_hex(12),
        )
        session = OwnedSession(
            number,
            granted.ssrc,
            ufrag.encode(),
            password.encode(),
            granted.caller_ufrag.encode(),
            granted.caller_password.encode(),
        )
        self._sessions[number] = self._by_ufrag[session.ufrag] = session
        none = bytes(ADDRESS_BYTES)
        self._rows[number] = (tag, now, SessionState.GRANTED, list(none), list(none))
        return granted

    def _wake(self, now: float) -> None:
        while self._resting and self._resting[0][0] <= now:
            self._free.append(self._resting.popleft()[1])


def _padded(client: Address) -> Any:
    return np.frombuffer(encode_address(client).ljust(ADDRESS_BYTES, b"\0"), np.uint8)
