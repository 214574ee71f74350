"""The newest events of a session, for a client that lost its connection to hear again.

Audio is most of what a session sends and the first to be worthless: it has a bound of its own,
so that a long answer takes neither much memory nor the place of what else was said.
"""

import heapq
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter

MAX_AUDIO_BYTES = 320 * 1024
"""Five seconds of PCM: more than waits for a client before its engine stops."""

MAX_BYTES = 256 * 1024
"""Of all other events: some minutes of conversation."""

MAX_AGE_S = 90.0
"""Older events reached their client, or it was found lost meanwhile."""

OVERHEAD_BYTES = 200
"""What an event costs beside its text."""

_AUDIO = b'{"type":"response.output_audio.delta"'
_GREETING = b'{"type":"session.created"'
"""Of a connection, not of the session: who comes again hears one that is new."""


@dataclass(frozen=True, slots=True)
class _Sent:
    place: int
    """Among all events of the session."""
    event_id: str
    size: int
    """As it was sent."""
    kept: int
    """Bytes of it that are kept: all or none."""
    at: float


@dataclass(frozen=True, slots=True)
class Missed:
    """What a client has to hear again, as (event id, event) in order."""

    events: tuple[tuple[str, bytes], ...]
    complete: bool
    """Whether that is all; else older events, or older audio, are gone."""


class _Newest:
    """Events of one kind. Their texts lie one behind the other: as objects of their own they
    would leave holes in memory that cost as much again."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._texts = bytearray()
        self._cost = 0
        self.sent: deque[_Sent] = deque()
        self.forgotten = -1
        """The place of the newest event that is gone."""

    def add(self, sent: _Sent, text: bytes) -> None:
        self.sent.append(sent)
        if sent.kept:
            self._texts += text
        self._cost += sent.kept + OVERHEAD_BYTES

    def trim(self, oldest: float) -> None:
        gone = 0
        while self.sent and (self._cost > self._max_bytes or self.sent[0].at < oldest):
            first = self.sent.popleft()
            gone += first.kept
            self._cost -= first.kept + OVERHEAD_BYTES
            self.forgotten = first.place
        if gone:
            del self._texts[:gone]

    def cut(self, place: int) -> Iterator[tuple[_Sent, bytes]]:
        """Take out what came there and later, in order; greetings are left out."""
        taken = []
        while self.sent and self.sent[-1].place >= place:
            last = self.sent.pop()
            self._cost -= last.kept + OVERHEAD_BYTES
            if last.kept:
                taken.append((last, bytes(self._texts[-last.kept :])))
                del self._texts[-last.kept :]
        return reversed(taken)


class EventRing:
    """Bounded in bytes and age. Events here are as they were encoded."""

    def __init__(
        self,
        max_bytes: int = MAX_BYTES,
        max_age_s: float = MAX_AGE_S,
        max_audio_bytes: int = MAX_AUDIO_BYTES,
    ) -> None:
        self._max_age_s = max_age_s
        self._audio, self._others = _Newest(max_audio_bytes), _Newest(max_bytes)
        self._lost_from: int | None = None
        self._next = 0

    def __len__(self) -> int:
        return len(self._audio.sent) + len(self._others.sent)

    def add(self, event_id: str, event: bytes, now: float) -> None:
        """An event was sent, or would have been had the client been there."""
        kept = 0 if event.startswith(_GREETING) else len(event)
        kind = self._audio if event.startswith(_AUDIO) else self._others
        kind.add(_Sent(self._next, event_id, len(event), kept, now), event)
        self._next += 1
        kind.trim(now - self._max_age_s)

    def trim(self, now: float) -> None:
        """Forget what is beyond the bounds."""
        self._audio.trim(now - self._max_age_s)
        self._others.trim(now - self._max_age_s)

    def lose(self, unsent_bytes: int) -> None:
        """The client is lost, and so many bytes of the newest events never left.

        What was on its way then may be lost too; a client that names the last event that it
        heard hears that as well.
        """
        self._lost_from = self._next
        for each in reversed(self._in_order()):
            if unsent_bytes <= 0:
                return
            unsent_bytes -= each.size
            self._lost_from = each.place
        if unsent_bytes > 0:
            self._lost_from = 0

    def resume(self, last_event_id: str | None) -> Missed:
        """What the client that returns has missed; it is to be added again as it is sent.

        `last_event_id` is the last event that the client heard; without it, and where it is
        gone, that is guessed from when the client was found lost.
        """
        start = self._behind(last_event_id)
        complete = start > max(self._audio.forgotten, self._others.forgotten)
        missed = heapq.merge(
            self._audio.cut(start), self._others.cut(start), key=lambda each: each[0].place
        )
        self._lost_from = None
        return Missed(tuple((sent.event_id, text) for sent, text in missed), complete)

    def _behind(self, event_id: str | None) -> int:
        """The place of the first event that was missed."""
        if event_id is None:
            return self._next if self._lost_from is None else self._lost_from
        for each in self._in_order():
            if each.event_id == event_id:
                return each.place + 1
        return 0

    def _in_order(self) -> list[_Sent]:
        return list(heapq.merge(self._audio.sent, self._others.sent, key=attrgetter("place")))
