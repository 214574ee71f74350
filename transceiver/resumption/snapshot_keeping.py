"""Has the snapshots of a worker's sessions kept, as they change."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field

from transceiver.resumption.counters import ResumptionCounters
from transceiver.resumption.keeper import Keeper
from transceiver.resumption.live_sessions import LiveSession, LiveSessions
from transceiver.resumption.peer_messages import Keep, Kept, KeptPart, Over, PeerSeal
from transceiver.resumption.snapshot_log import Recorded, SnapshotLog
from transceiver.sealed_bytes import NONCE_BYTES

logger = logging.getLogger(__name__)

INTERVAL_S = 0.25
"""What is lost with an owner is at most as old as this."""

GENERATIONS = 1 << 16
"""Between two owners at most: two that restore one session at once hardly take the same."""

ALIVE_S = 30.0
"""How often a place hears of a snapshot that does not change."""

MAX_REQUEST_BYTES = 4 * 1024 * 1024
"""More than that waits for the next request, but for a part that is longer by itself."""


@dataclass(slots=True)
class _Followed:
    record: Recorded
    log: SnapshotLog
    place: Hashable | None = None
    told_at: float = 0.0


@dataclass(slots=True)
class _Parcel:
    """What goes to one place."""

    parts: list[KeptPart] = field(default_factory=list)
    alive: list[str] = field(default_factory=list)
    over: list[Over] = field(default_factory=list)
    size: int = 0


class SnapshotKeeping:
    """One loop a worker."""

    def __init__(
        self,
        live: LiveSessions,
        keeper: Keeper,
        seal: PeerSeal,
        *,
        owner: str,
        counters: ResumptionCounters,
        random: Callable[[int], bytes],
    ) -> None:
        """`owner` is this worker's tunnel address."""
        self._live = live
        self._keeper = keeper
        self._seal = seal
        self._owner = owner
        self._counters = counters
        self._random = random
        self._followed: dict[str, _Followed] = {}
        self._defective: set[str] = set()

    async def run(self) -> None:
        """For ever."""
        while True:
            await asyncio.sleep(INTERVAL_S)
            await self.push()

    async def push(self) -> None:
        """Tell all places what has changed; returns when they have it, or are gone."""
        now = asyncio.get_running_loop().time()
        parcels: defaultdict[Hashable, _Parcel] = defaultdict(_Parcel)
        self._bury(parcels)
        for session_id, session in list(self._live.open.items()):
            # Others may have ended while this waited.
            if self._live.open.get(session_id) is session and session_id not in self._defective:
                self._try_to_collect(session_id, session, parcels, now)
                # All of them at once would hold up the calls' frames for many milliseconds.
                await asyncio.sleep(0)
        await asyncio.gather(*(self._send(place, parcel) for place, parcel in parcels.items()))

    def generation(self, session_id: str) -> int:
        """Of what is kept of the session; 0 where nothing is."""
        followed = self._followed.get(session_id)
        return followed.log.generation if followed else 0

    def _bury(self, parcels: defaultdict[Hashable, _Parcel]) -> None:
        for session_id in self._live.drain_over():
            followed = self._followed.get(session_id)
            if followed is not None and followed.place is not None:
                parcels[followed.place].over.append(Over(session_id, followed.log.generation))
        for session_id in self._followed.keys() - self._live.open.keys():
            del self._followed[session_id]
        self._defective &= self._live.open.keys()

    def _try_to_collect(
        self,
        session_id: str,
        session: LiveSession,
        parcels: defaultdict[Hashable, _Parcel],
        now: float,
    ) -> None:
        """A session that a defect keeps from being written down goes on; no other notices."""
        try:
            self._collect(session_id, session, parcels, now)
        except Exception:
            self._defective.add(session_id)
            logger.exception("session %s is kept no more", session_id)

    def _collect(
        self,
        session_id: str,
        session: LiveSession,
        parcels: defaultdict[Hashable, _Parcel],
        now: float,
    ) -> None:
        followed = self._follow(session_id, session)
        place = self._keeper.place(session_id, now)
        if place != followed.place:
            followed.place = place
            followed.log.restart()
        if place is None or parcels[place].size > MAX_REQUEST_BYTES:
            return
        part = followed.log.next_part()
        if part is not None:
            sealed = self._seal.seal_part(session_id, part.content, self._random(NONCE_BYTES))
            parcels[place].parts.append(KeptPart(session_id, part.generation, part.number, sealed))
            parcels[place].size += len(sealed)
        elif now - followed.told_at > ALIVE_S:
            parcels[place].alive.append(session_id)
        else:
            return
        followed.told_at = now

    def _follow(self, session_id: str, session: LiveSession) -> _Followed:
        """What is known of the session, anew where another one has taken its place."""
        followed = self._followed.get(session_id)
        if followed is None or followed.record is not session.record:
            before = max(session.generation, followed.log.generation if followed else 0)
            generation = before + 1 + int.from_bytes(self._random(2)) % GENERATIONS
            log = SnapshotLog(self._owner, generation, session.record)
            followed = self._followed[session_id] = _Followed(session.record, log)
        return followed

    async def _send(self, place: Hashable, parcel: _Parcel) -> None:
        if not (parcel.parts or parcel.alive or parcel.over):
            return
        request = Keep(tuple(parcel.parts), tuple(parcel.alive), tuple(parcel.over))
        kept = await self._keeper.keep(place, request)
        self._counters.parts_sent += len(parcel.parts)
        self._counters.bytes_sent += parcel.size
        if kept is None:
            self._counters.places_lost += 1
            kept = Kept((*parcel.alive, *_sessions(parcel.parts)))
        for session_id in kept.incomplete:
            if session_id in self._followed:
                self._followed[session_id].log.restart()


def _sessions(parts: Sequence[KeptPart]) -> list[str]:
    return [part.session_id for part in parts]
