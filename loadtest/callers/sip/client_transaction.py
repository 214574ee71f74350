"""One request of ours over UDP, sent until it is answered.

https://www.rfc-editor.org/rfc/rfc3261#section-17.1
"""

T1_S = 0.5
"""An estimate of the round trip."""
T2_S = 4.0
"""The longest time between two of the same, but of INVITE."""
TIMEOUT_S = 64 * T1_S


class ClientTransaction:
    """Its user sends the request at first, and again each time that it is `due`."""

    def __init__(self, method: str, branch: str, request: bytes, now: float) -> None:
        self.method = method
        self.branch = branch
        self.request = request
        self.answered = False
        """Whether a final response came."""
        self.timed_out = False
        self._provisional = False
        self._interval = T1_S
        self._again_at = now + T1_S
        self._ends_at = now + TIMEOUT_S

    @property
    def next_at(self) -> float | None:
        """When to ask again whether it is `due`; None: nothing is waited for."""
        if self.answered or self.timed_out:
            return None
        if self.method == "INVITE" and self._provisional:
            return None
        return min(self._again_at, self._ends_at)

    def due(self, now: float) -> bool:
        """Whether to send the request again; notices when there is no hope left."""
        next_at = self.next_at
        if next_at is None or now < next_at:
            return False
        if now >= self._ends_at:
            self.timed_out = True
            return False
        doubled = 2 * self._interval
        self._interval = doubled if self.method == "INVITE" else min(doubled, T2_S)
        self._again_at = now + self._interval
        return True

    def responded(self, code: int) -> None:
        """A response came."""
        if code >= 200:
            self.answered = True
        elif not self._provisional:
            self._provisional = True
            self._interval = T2_S
