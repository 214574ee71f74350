"""What a worker has kept of its sessions, by a keeper that stands in for other workers."""

import asyncio
from collections.abc import Hashable
from dataclasses import dataclass, field
from itertools import count

from msgspec import Raw

from tests.transceiver.resumption.continuities import KEYS, OWNER
from transceiver.close_reason import CloseReason
from transceiver.resumption.continuity import TakenUp
from transceiver.resumption.counters import ResumptionCounters
from transceiver.resumption.live_sessions import LiveSessions
from transceiver.resumption.peer_messages import Fetched, Keep, Kept, PeerSeal
from transceiver.resumption.snapshot import Snapshot, decode_parts
from transceiver.resumption.snapshot_keeping import SnapshotKeeping
from transceiver.resumption.snapshot_store import SnapshotStore

SEAL = PeerSeal(KEYS)


@dataclass
class Record:
    text: str
    revision: int = 1

    def snapshot(self) -> Snapshot:
        return Snapshot(session=Raw(b'"%s"' % self.text.encode()))


class Defective(Record):
    def snapshot(self) -> Snapshot:
        raise AttributeError


@dataclass
class Session:
    record: Record
    session_id: str = "sess_1"
    generation: int = 0
    closed: CloseReason | None = None

    def take(self, last_event_id: str | None) -> TakenUp:
        self.closed = self.closed or CloseReason.RESUMED
        return TakenUp(self.record.snapshot(), None, self.generation)


@dataclass
class Place:
    """A `Keeper` with one place, which is never gone."""

    store: SnapshotStore = field(default_factory=SnapshotStore)

    def place(self, _session_id: str, _now: float) -> Hashable | None:
        return "place"

    async def keep(self, _place: Hashable, request: Keep) -> Kept | None:
        return self.store.keep(request, 0.0)

    async def fetch(self, session_id: str) -> Fetched | None:
        return self.store.fetch(session_id, 0.0)

    def kept(self, session_id: str = "sess_1") -> str | None:
        fetched = self.store.fetch(session_id, 0.0)
        if not fetched.parts:
            return None
        parts = [SEAL.open_part(session_id, part) for part in fetched.parts]
        return str(bytes(decode_parts(parts)[0].session), "ascii").strip('"')


class Worker:
    def __init__(self, place: Place, first_nonce: int = 0) -> None:
        nonces = count(first_nonce)
        self.live = LiveSessions(60.0)
        self.keeping = SnapshotKeeping(
            self.live,
            place,
            SEAL,
            owner=f"{OWNER[0]}:{OWNER[1]}",
            counters=ResumptionCounters(),
            random=lambda size: next(nonces).to_bytes(size, "big"),
        )


async def test_who_takes_a_sessions_place_is_written_down_from_there_on() -> None:
    place = Place()
    worker = Worker(place)
    first = Session(Record("before"))
    worker.live.add(first)
    await worker.keeping.push()
    worker.live.remove(first, over=False)
    worker.live.add(Session(Record("behind"), generation=1))
    await worker.keeping.push()
    assert place.kept() == "behind"


async def test_who_is_forgotten_late_takes_nothing_of_its_successor_along() -> None:
    place = Place()
    old, new = Worker(place), Worker(place, 1000)
    lost = Session(Record("before"))
    old.live.add(lost)
    await old.keeping.push()
    new.live.add(Session(Record("behind"), generation=old.keeping.generation("sess_1")))
    await new.keeping.push()
    old.live.remove(lost, over=True)
    await old.keeping.push()
    assert place.kept() == "behind"
    new.live.remove(new.live.open["sess_1"], over=True)
    await new.keeping.push()
    assert place.kept() is None


async def test_two_that_restored_one_session_are_not_mixed() -> None:
    place = Place()
    one, other = Worker(place), Worker(place, 1000)
    records = [Record("one"), Record("other")]
    for worker, record in zip((one, other), records, strict=True):
        worker.live.add(Session(record, generation=5))
        await worker.keeping.push()
    winner = place.kept()
    for worker, record in zip((one, other), records, strict=True):
        record.revision, record.text = 2, record.text + " later"
        await worker.keeping.push()
    assert place.kept() == f"{winner} later"


async def test_a_session_that_cannot_be_written_down_harms_no_other() -> None:
    place = Place()
    worker = Worker(place)
    worker.live.add(Session(Defective("broken"), session_id="sess_2"))
    worker.live.add(Session(Record("whole")))
    await worker.keeping.push()
    await worker.keeping.push()
    assert place.kept() == "whole"
    assert place.kept("sess_2") is None


async def test_frames_are_sent_between_any_two_sessions() -> None:
    place = Place()
    worker = Worker(place)
    for number in range(100):
        worker.live.add(Session(Record("said"), session_id=f"sess_{number}"))
    pushing = asyncio.create_task(worker.keeping.push())
    turns = 0
    while not pushing.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns >= 100
    assert place.kept("sess_99") == "said"


async def test_a_session_that_ends_meanwhile_is_not_asked() -> None:
    place = Place()
    worker = Worker(place)
    sessions = [Session(Record("said"), session_id=f"sess_{number}") for number in range(3)]
    for session in sessions:
        worker.live.add(session)
    pushing = asyncio.create_task(worker.keeping.push())
    await asyncio.sleep(0)
    worker.live.remove(sessions[2], over=True)
    await pushing
    assert [place.kept(session.session_id) for session in sessions] == ["said", "said", None]
