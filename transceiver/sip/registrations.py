"""Where registered phones are, as each worker of a host knows it.

A worker tells its siblings of every binding that a REGISTER made or ended there; what is newer
stands. One that begins asks them for all that they know. Bindings are lost with the host, until
the phones register again.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import msgspec

from antiphon_proto.address import Address
from transceiver.sip.flow import Flow, SipTransport

MAX_CONTACTS = 10
"""Of one user; the one that ends first makes room."""
MAX_NEWS_BYTES = 32 * 1024
"""Of one message to a sibling; a record is shorter."""
MEMORY_S = 60.0
"""For how long the end of a binding is remembered, so that older news do not bring it back."""


@dataclass(frozen=True, slots=True)
class Binding:
    """A contact of a user: https://www.rfc-editor.org/rfc/rfc3261#section-10"""

    contact: str
    """URI: the Request-URI of calls to it."""
    flow: Flow
    """By which it registered, and calls to it go."""
    path: tuple[str, ...]
    """Route of calls to it, topmost first: https://www.rfc-editor.org/rfc/rfc3327"""
    expires_at: float
    """By the host's monotonic clock."""


class Record(msgspec.Struct, frozen=True, array_like=True):
    """A binding, or its end, as workers tell one another."""

    user: str
    key: str
    """What it takes the place of, and what takes its place."""
    contact: str
    edge: Address
    transport: SipTransport
    remote: Address
    connection: int
    path: tuple[str, ...]
    call_id: str
    cseq: int
    """Of the REGISTER: https://www.rfc-editor.org/rfc/rfc3261#section-10.3, step 7"""
    changed_at: float
    expires_at: float
    """0: it has ended."""

    @property
    def flow(self) -> Flow:
        return Flow(self.edge, self.transport, self.remote, self.connection)

    @property
    def binding(self) -> Binding:
        return Binding(self.contact, self.flow, self.path, self.expires_at)


class _News(msgspec.Struct, frozen=True, tag="news"):
    records: tuple[Record, ...]


class _Question(msgspec.Struct, frozen=True, tag="question"):
    """Asks for all that is known."""


_MESSAGES: msgspec.msgpack.Decoder[_News | _Question] = msgspec.msgpack.Decoder(_News | _Question)


class RegistrationNewsError(ValueError):
    """The bytes are no message of a sibling."""


class Registrations:
    """One worker's copy. `tell` sends bytes to every sibling, to be given to its `learn`."""

    def __init__(self, tell: Callable[[bytes], None]) -> None:
        self._tell = tell
        self._users: dict[str, dict[str, Record]] = {}
        self._flows: dict[Flow, set[str]] = {}

    def __len__(self) -> int:
        """How many bindings there are, ended ones not counted once they are forgotten."""
        return sum(bool(record.expires_at) for record in self._all())

    def of(self, user: str, now: float) -> list[Record]:
        """What there is now, the newest first."""
        records = self._users.get(user, {}).values()
        alive = [record for record in records if record.expires_at > now]
        return sorted(alive, key=lambda record: record.changed_at, reverse=True)

    def user_at(self, flow: Flow, now: float) -> str | None:
        """Who alone registered by this very flow, and still is; None for one of many users."""
        users = {record.user for record in self._by(flow, now)}
        return users.pop() if len(users) == 1 else None

    def knows(self, flow: Flow, now: float) -> bool:
        """Whether anybody registered by it, and still is."""
        return any(True for _record in self._by(flow, now))

    def change(self, records: tuple[Record, ...]) -> None:
        """Something changed here: know it, and have the siblings know it."""
        self._take(records)
        self._publish(records)

    def ask(self) -> None:
        """Have the siblings tell what they know, as one that begins does."""
        self._tell(msgspec.msgpack.encode(_Question()))

    def learn(self, message: bytes) -> None:
        """A sibling told or asked something. Raises RegistrationNewsError."""
        try:
            news = _MESSAGES.decode(message)
        except msgspec.DecodeError as error:
            raise RegistrationNewsError("no message of a sibling") from error
        if isinstance(news, _News):
            self._take(news.records)
            return
        self._publish(self._all())

    def end_flow(self, flow: Flow, now: float) -> None:
        """A connection is gone, and with it the way to whoever registered by it.

        https://www.rfc-editor.org/rfc/rfc5626#section-4.2.1
        """
        gone = tuple(ended(record, now) for record in self._by(flow, now))
        if gone:
            self.change(gone)

    def keep_only(self, is_phone: Callable[[str], bool]) -> None:
        """Forget whoever is no phone any more, as the files say."""
        for user in [user for user in self._users if not is_phone(user)]:
            for key in list(self._users[user]):
                self._remove(user, key)

    def tick(self, now: float) -> None:
        """Forget what ended a while ago; to be called every few seconds."""
        for user, records in list(self._users.items()):
            for key, record in list(records.items()):
                if now > max(record.expires_at, record.changed_at) + MEMORY_S:
                    self._remove(user, key)

    def _publish(self, records: Iterable[Record]) -> None:
        waiting: list[Record] = []
        room = MAX_NEWS_BYTES
        for record in records:
            room -= (size := len(msgspec.msgpack.encode(record)))
            if room < 0:
                self._tell(msgspec.msgpack.encode(_News(tuple(waiting))))
                waiting, room = [], MAX_NEWS_BYTES - size
            waiting.append(record)
        if waiting:
            self._tell(msgspec.msgpack.encode(_News(tuple(waiting))))

    def _take(self, records: tuple[Record, ...]) -> None:
        for record in records:
            known = self._users.get(record.user, {}).get(record.key)
            if known is not None and known.changed_at >= record.changed_at:
                continue
            if known is not None:
                self._remove(record.user, record.key)
            self._users.setdefault(record.user, {})[record.key] = record
            if record.expires_at:
                self._flows.setdefault(record.flow, set()).add(record.user)
            self._make_room(record.user)

    def _make_room(self, user: str) -> None:
        records = self._users[user]
        while len(records) > MAX_CONTACTS:
            self._remove(user, min(records, key=lambda key: records[key].expires_at))

    def _remove(self, user: str, key: str) -> None:
        records = self._users[user]
        record = records.pop(key)
        if not records:
            del self._users[user]
        if any(other.flow == record.flow for other in records.values()):
            return
        users = self._flows.get(record.flow, set())
        users.discard(user)
        if not users:
            self._flows.pop(record.flow, None)

    def _by(self, flow: Flow, now: float) -> Iterator[Record]:
        for user in self._flows.get(flow, ()):
            yield from (record for record in self.of(user, now) if record.flow == flow)

    def _all(self) -> Iterator[Record]:
        for records in self._users.values():
            yield from records.values()


def ended(record: Record, now: float) -> Record:
    """The same binding, over."""
    return msgspec.structs.replace(record, changed_at=now, expires_at=0.0)
