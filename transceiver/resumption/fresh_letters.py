"""Whether a worker asks now and for the first time, or was recorded and is repeated."""

from collections import deque
from typing import Protocol

MAX_AGE_S = 60.0
"""By the clocks of two hosts, which may differ by as much."""


class Dated(Protocol):
    @property
    def sent_at(self) -> float:
        """Unix seconds, by the sender's clock."""
        ...


class FreshLetters:
    """Remembers the nonces of letters that were authentic, for as long as these are fresh."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()
        self._in_order: deque[tuple[float, bytes]] = deque()

    def __len__(self) -> int:
        return len(self._seen)

    def admit(self, letter: Dated, nonce: bytes, unix_time: float) -> bool:
        """Whether the letter may be heeded; it is not a second time."""
        while self._in_order and self._in_order[0][0] < unix_time:
            self._seen.discard(self._in_order.popleft()[1])
        if nonce in self._seen or abs(unix_time - letter.sent_at) > MAX_AGE_S:
            return False
        self._seen.add(nonce)
        self._in_order.append((unix_time + 2 * MAX_AGE_S, nonce))
        return True
