"""The snapshots that a worker keeps for others: sealed parts, of which it reads nothing."""

from collections import OrderedDict
from dataclasses import dataclass, field

from transceiver.resumption.peer_messages import Fetched, Keep, Kept, KeptPart

KEPT_S = 150.0
"""Without a word from its owner: the owner's silence, and the time that a client has."""

MAX_BYTES = 256 * 1024 * 1024
"""Of all together; beyond it the snapshots that were heard of longest ago are forgotten."""


@dataclass(slots=True)
class _Stored:
    generation: int
    parts: list[bytes] = field(default_factory=list)
    size: int = 0
    heard_at: float = 0.0


class SnapshotStore:
    """Times are seconds of one monotonic clock."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._stored: OrderedDict[str, _Stored] = OrderedDict()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._stored)

    def keep(self, request: Keep, now: float) -> Kept:
        """Do what an owner asks; what it has to tell anew is in the answer."""
        incomplete = [part.session_id for part in request.parts if not self._add(part, now)]
        incomplete += [each for each in request.alive if not self._touch(each, now)]
        for over in request.over:
            stored = self._stored.get(over.session_id)
            if stored is not None and stored.generation <= over.generation:
                self._forget(over.session_id)
        self._trim(now)
        return Kept(tuple(dict.fromkeys(incomplete)))

    def fetch(self, session_id: str, now: float) -> Fetched:
        self._trim(now)
        stored = self._stored.get(session_id)
        return Fetched(stored.generation, tuple(stored.parts)) if stored else Fetched()

    def _add(self, part: KeptPart, now: float) -> bool:
        """Whether the snapshot has all parts; an older generation's is passed over."""
        stored = self._stored.get(part.session_id)
        if stored and part.generation < stored.generation:
            return True
        if part.number == 1:
            self._forget(part.session_id)
            stored = self._stored[part.session_id] = _Stored(part.generation)
        elif (
            stored is None
            or part.generation > stored.generation
            or part.number != len(stored.parts) + 1
        ):
            return False
        stored.parts.append(part.sealed)
        stored.size += len(part.sealed)
        self.bytes += len(part.sealed)
        return self._touch(part.session_id, now)

    def _touch(self, session_id: str, now: float) -> bool:
        stored = self._stored.get(session_id)
        if stored is None:
            return False
        stored.heard_at = now
        self._stored.move_to_end(session_id)
        return True

    def _forget(self, session_id: str) -> None:
        stored = self._stored.pop(session_id, None)
        if stored is not None:
            self.bytes -= stored.size

    def _trim(self, now: float) -> None:
        while self._stored:
            oldest = next(iter(self._stored))
            kept = now - self._stored[oldest].heard_at <= KEPT_S
            if kept and self.bytes <= self._max_bytes:
                return
            self._forget(oldest)
