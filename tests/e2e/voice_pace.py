"""When a talker's next packet is due: many calls, each 50 packets a second, evenly interleaved."""

PACKET_INTERVAL_NS = 20_000_000
LATEST_NS = PACKET_INTERVAL_NS
"""Whoever is later than this skips what it missed: no voice makes up for it in a burst."""


class VoicePace:
    """Says which call's which packet is due."""

    def __init__(self, calls: int) -> None:
        self._calls = calls
        self._slot_ns = PACKET_INTERVAL_NS // calls
        self._next = 0
        self._due_ns = 0

    def resume(self, now_ns: int) -> None:
        """Start from now on; numbers go on where they were."""
        self._due_ns = now_ns

    def wait_s(self, now_ns: int) -> float:
        """Until the next is due."""
        return max(0, self._due_ns - now_ns) / 1e9

    def due(self, now_ns: int) -> tuple[int, int] | None:
        """The call and the number of the next packet, once it is due."""
        if now_ns < self._due_ns:
            return None
        if now_ns - self._due_ns > LATEST_NS:
            self._due_ns = now_ns
        self._due_ns += self._slot_ns
        number, call = divmod(self._next, self._calls)
        self._next += 1
        return call, number
