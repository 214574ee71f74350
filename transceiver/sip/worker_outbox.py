"""What waits for another worker, and what of it goes next."""

from collections import deque
from collections.abc import Iterator

from transceiver.sip.worker_parcels import MAX_LETTER_BYTES, MAX_PARCELS, Parcel, parcel_bytes

MAX_WAITING_BYTES = 4 * 1024 * 1024
MAX_WAITING_PARCELS = 4096


class Outbox:
    """For one worker, in order."""

    def __init__(self) -> None:
        self._waiting: deque[Parcel] = deque()
        self._bytes = 0

    def add(self, parcel: Parcel) -> bool:
        """False where too much waits already."""
        size = parcel_bytes(parcel)
        if self._bytes + size > MAX_WAITING_BYTES or len(self._waiting) >= MAX_WAITING_PARCELS:
            return False
        self._waiting.append(parcel)
        self._bytes += size
        return True

    def take(self) -> tuple[Parcel, ...]:
        """As many as a letter may hold; none if none waits."""
        return tuple(self._taken())

    def take_all(self) -> tuple[Parcel, ...]:
        taken = tuple(self._waiting)
        self._waiting.clear()
        self._bytes = 0
        return taken

    def _taken(self) -> Iterator[Parcel]:
        room = MAX_LETTER_BYTES
        for _ in range(min(MAX_PARCELS, len(self._waiting))):
            size = parcel_bytes(self._waiting[0])
            if size > room:
                return
            room -= size
            self._bytes -= size
            yield self._waiting.popleft()
