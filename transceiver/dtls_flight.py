"""Sends a flight of the DTLS handshake again sooner than OpenSSL does.

OpenSSL waits for a second, and then twice as long each time: somebody who has just placed a
call would hear one lost datagram. Bindings give no way to change that, but what has
left can leave again as it was. The peer discards what it has had, as a replay; what it
awaits reaches it. OpenSSL's own repetition comes nevertheless, in records of new numbers,
which is what it takes to have a peer repeat its last flight.

https://www.rfc-editor.org/rfc/rfc6347#section-4.2.4.1
"""

import math
from collections.abc import Sequence

RESENT_AFTER_S = (0.15, 0.45)
"""A little more than most round trips, so that few repetitions are for nothing."""


class DtlsFlight:
    """The latest flight of ours, until the handshake is over. Times are on one clock."""

    def __init__(self) -> None:
        self.due_at = math.inf
        """When `due` has something."""
        self._datagrams: Sequence[bytes] = ()
        self._due_times: list[float] = []

    def sent(self, datagrams: Sequence[bytes], now: float) -> None:
        """A flight has left; the peer has answered those before."""
        self._datagrams = datagrams
        self._due_times = [now + after for after in RESENT_AFTER_S]
        self.due_at = self._due_times[0]

    def due(self, now: float) -> Sequence[bytes]:
        """What to send once more now."""
        if now < self.due_at:
            return ()
        while self.due_at <= now:
            self._due_times.pop(0)
            self.due_at = min(self._due_times, default=math.inf)
        return self._datagrams

    def done(self) -> None:
        """The handshake is over."""
        self._datagrams, self.due_at = (), math.inf
