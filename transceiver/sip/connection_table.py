"""The connections that one worker has with SIP peers, and when they are over."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from antiphon_proto.address import Address
from transceiver.sip.source_limits import source_of

MAX_CONNECTIONS = 2000
MAX_OF_ONE_SOURCE = 100
"""Over which nothing was granted yet: behind one address there may be many phones, or a proxy."""

SILENT_S = 10.0
"""For the first whole message of a connection that a peer made."""
REFUSED_S = 60.0
"""For a connection over which nothing was granted."""
IDLE_S = 3900.0
"""Without a message either way: longer than a call may last by default, since a phone need
not say anything during one."""

MAX_UNSENT_BYTES = 512 * 1024


class Connection(Protocol):
    """A TCP, TLS or WebSocket connection."""

    @property
    def unsent_bytes(self) -> int: ...

    def write(self, message: bytes) -> None: ...

    def abort(self) -> None:
        """End it at once; said to be closed later, not from within."""
        ...


@dataclass(slots=True)
class _Entry:
    connection: Connection
    source: str
    opened_at: float
    used_at: float
    heard: bool
    granted: bool
    users: set[Address] = field(default_factory=set)


class ConnectionTable:
    """Numbers connections from 1 up; no number is used twice."""

    def __init__(self) -> None:
        self._entries: dict[int, _Entry] = {}
        self._of_source: Counter[str] = Counter()
        self._last = 0

    def __len__(self) -> int:
        return len(self._entries)

    def opened(
        self,
        connection: Connection,
        host: str,
        now: float,
        *,
        ours: bool = False,
    ) -> int | None:
        """The number of a new one with `host`, `ours` if we made it; None where there are too
        many."""
        source = source_of(host)
        if len(self._entries) >= MAX_CONNECTIONS:
            return None
        if not ours and self._of_source[source] >= MAX_OF_ONE_SOURCE:
            return None
        self._last += 1
        if not ours:
            self._of_source[source] += 1
        self._entries[self._last] = _Entry(connection, source, now, now, heard=ours, granted=ours)
        return self._last

    def closed(self, number: int) -> frozenset[Address]:
        """The workers that got messages of it, or sent some; none for one that is not in the
        table, or is not any more."""
        entry = self._entries.pop(number, None)
        if entry is None:
            return frozenset()
        self._leave_source(entry)
        return frozenset(entry.users)

    def heard(self, number: int, user: Address, now: float) -> None:
        """A message of the peer goes to the worker `user`."""
        if (entry := self._entries.get(number)) is not None:
            entry.heard, entry.used_at = True, now
            entry.users.add(user)

    def kept_alive(self, number: int, now: float) -> None:
        """The peer asked whether it is still there."""
        if (entry := self._entries.get(number)) is not None:
            entry.used_at = now

    def send(self, number: int, message: bytes, user: Address, now: float) -> bool | None:
        """Write a message of the worker `user`: whether it was, None where the peer does not
        read and was cut off."""
        entry = self._entries.get(number)
        if entry is None:
            return False
        if entry.connection.unsent_bytes > MAX_UNSENT_BYTES:
            entry.connection.abort()
            return None
        entry.used_at = now
        if grants(message):
            self._leave_source(entry)
            entry.granted = True
        entry.users.add(user)
        entry.connection.write(message)
        return True

    def _leave_source(self, entry: _Entry) -> None:
        """It counts for its source no more, if it did."""
        if entry.granted:
            return
        self._of_source[entry.source] -= 1
        if not self._of_source[entry.source]:
            del self._of_source[entry.source]

    def is_granted(self, number: int) -> bool:
        entry = self._entries.get(number)
        return entry is not None and entry.granted

    def overdue(self, now: float) -> Iterator[Connection]:
        """Those that are to be ended."""
        for entry in self._entries.values():
            if entry.granted:
                over = now - entry.used_at > IDLE_S
            else:
                over = now - entry.opened_at > (REFUSED_S if entry.heard else SILENT_S)
            if over:
                yield entry.connection

    def all(self) -> Iterator[Connection]:
        for entry in self._entries.values():
            yield entry.connection


def grants(message: bytes) -> bool:
    """Whether a message of ours shows that its peer was let in: a request, or an answer that is
    neither a refusal nor a mere sign of life."""
    if not message.startswith(b"SIP/2.0 "):
        return True
    return message[8:9] in (b"1", b"2") and not message.startswith(b"SIP/2.0 100")
