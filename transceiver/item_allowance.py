"""How fast a client may create items: what it sends goes on to a replica that others share."""

from antiphon_proto.realtime import RealtimeError

BURST_BYTES = 8 * 1024 * 1024
BYTES_PER_S = 1024 * 1024


class ItemAllowance:
    """A bucket of BURST_BYTES that fills with time, in seconds of one clock."""

    def __init__(self) -> None:
        self._left = float(BURST_BYTES)
        self._filled_at: float | None = None

    def fill(self, now: float) -> None:
        """Let time pass."""
        if self._filled_at is not None:
            self._left = min(BURST_BYTES, self._left + (now - self._filled_at) * BYTES_PER_S)
        self._filled_at = now

    def take(self, size: int) -> None:
        """Let an item of so many bytes pass. Raises RealtimeError."""
        if size > self._left:
            raise RealtimeError(
                "rate_limit_exceeded",
                f"Items come too fast: more than {BYTES_PER_S} bytes a second. Send it later.",
                param="item",
            )
        self._left -= size
