"""The newest events of a session, for a client that lost its connection to hear again."""

from collections import deque
from dataclasses import dataclass

MAX_BYTES = 1024 * 1024
"""Sixteen seconds of PCM audio in events, or a long conversation without any."""

MAX_AGE_S = 90.0
"""Older events reached their client, or it was found lost meanwhile."""


@dataclass(frozen=True, slots=True)
class _Sent:
    event_id: str
    event: bytes
    at: float


@dataclass(frozen=True, slots=True)
class Missed:
    """What a client has to hear again, as (event id, event) in order."""

    events: tuple[tuple[str, bytes], ...]
    complete: bool
    """Whether that is all; else older events are gone."""


class EventRing:
    """Bounded in bytes and age. Events here are as they were encoded."""

    def __init__(self, max_bytes: int = MAX_BYTES, max_age_s: float = MAX_AGE_S) -> None:
        self._max_bytes = max_bytes
        self._max_age_s = max_age_s
        self._sent: deque[_Sent] = deque()
        self._bytes = 0
        self._lost_from: int | None = None
        self._first = 0
        """How many events have left the ring for ever."""

    def __len__(self) -> int:
        return len(self._sent)

    def add(self, event_id: str, event: bytes, now: float) -> None:
        """An event was sent, or would have been had the client been there."""
        self._sent.append(_Sent(event_id, event, now))
        self._bytes += len(event)
        self.trim(now)

    def trim(self, now: float) -> None:
        """Forget what is beyond the bounds."""
        while self._sent and (
            self._bytes > self._max_bytes or now - self._sent[0].at > self._max_age_s
        ):
            self._bytes -= len(self._sent.popleft().event)
            self._first += 1

    def lose(self, unsent_bytes: int) -> None:
        """The client is lost, and so many bytes of the newest events never left.

        What was on its way then may be lost too; a client that names the last event that it
        heard hears that as well.
        """
        index = len(self._sent)
        while index and unsent_bytes > 0:
            index -= 1
            unsent_bytes -= len(self._sent[index].event)
        self._lost_from = self._first + index

    def resume(self, last_event_id: str | None) -> Missed:
        """What the client that returns has missed; it is to be added again as it is sent.

        `last_event_id` is the last event that the client heard; without it, and where it is
        gone, that is guessed from when the client was found lost.
        """
        start = self._behind(last_event_id)
        missed = [self._sent.pop() for _ in range(len(self._sent) - start)][::-1]
        self._bytes -= sum(len(each.event) for each in missed)
        complete = self._is_complete(last_event_id, start)
        self._lost_from = None
        return Missed(tuple((each.event_id, each.event) for each in missed), complete)

    def _behind(self, event_id: str | None) -> int:
        """The index of the first event that was missed."""
        for index, each in enumerate(self._sent):
            if each.event_id == event_id:
                return index + 1
        if event_id is not None:
            return 0
        if self._lost_from is None:
            return len(self._sent)
        return max(0, self._lost_from - self._first)

    def _is_complete(self, event_id: str | None, start: int) -> bool:
        if event_id is not None:
            return start > 0
        return self._lost_from is None or self._lost_from >= self._first
