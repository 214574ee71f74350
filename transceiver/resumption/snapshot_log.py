"""What an owner has yet to tell of one conversation to whoever keeps its snapshot.

Parts are numbered from 1 in a generation. A generation begins with everything; another one
begins when the changes have become longer than that, or the keeper lost track.
"""

from dataclasses import dataclass
from typing import Protocol

from msgspec import Raw

from transceiver.item_history import ROOT
from transceiver.resumption.snapshot import (
    UNCHANGED,
    ItemRecord,
    PlacedItem,
    Snapshot,
    SnapshotPart,
    encode_part,
)

MIN_REWRITTEN_BYTES = 64 * 1024
MAX_PARTS = 500
"""In a generation."""


@dataclass(frozen=True, slots=True)
class NumberedPart:
    """A part as it is kept."""

    generation: int
    number: int
    """1 for the part with everything."""
    content: bytes


class Recorded(Protocol):
    """A conversation of which snapshots can be taken."""

    @property
    def revision(self) -> object:
        """Another one whenever the snapshot may be another."""

    def snapshot(self) -> Snapshot: ...


_NOTHING = Snapshot(session=Raw(b""))


class SnapshotLog:
    """Asked now and then for what has changed."""

    def __init__(self, owner: str, generation: int, recorded: Recorded) -> None:
        """`owner` is this worker's tunnel address; `generation` is above any that others told
        of this conversation."""
        self._owner = owner
        self._generation = generation
        self._recorded = recorded
        self._begin()

    @property
    def generation(self) -> int:
        return self._generation

    def restart(self) -> None:
        """Whoever keeps the snapshot has not got all of it: the next part is everything."""
        self._generation += 1
        self._begin()

    def _begin(self) -> None:
        self._revision: object = None
        self._known = _NOTHING
        self._number = 0
        self._first_bytes = self._later_bytes = 0

    def next_part(self) -> NumberedPart | None:
        """What is to be told; None when nothing has changed."""
        revision = self._recorded.revision
        if revision == self._revision:
            return None
        if self._is_long():
            self.restart()
        self._revision, now = revision, self._recorded.snapshot()
        content = encode_part(_difference(self._known, now, self._owner))
        self._known = now
        self._number += 1
        if self._number == 1:
            self._first_bytes = len(content)
        else:
            self._later_bytes += len(content)
        return NumberedPart(self._generation, self._number, content)

    def _is_long(self) -> bool:
        limit = max(self._first_bytes, MIN_REWRITTEN_BYTES)
        return self._later_bytes > limit or self._number >= MAX_PARTS


def _difference(known: Snapshot, now: Snapshot, owner: str) -> SnapshotPart:
    before = {record.id: record for record in known.items}
    present = {record.id for record in now.items}
    return SnapshotPart(
        owner=owner,
        session=UNCHANGED if bytes(known.session) == bytes(now.session) else now.session,
        removed=tuple(each for each in before if each not in present),
        placed=_placed([each for each in before if each in present], before, now.items),
        unfinished=now.unfinished,
    )


def _placed(
    order: list[str], known: dict[str, ItemRecord], items: tuple[ItemRecord, ...]
) -> tuple[PlacedItem, ...]:
    """What makes `items` of the known records in this order, placed one after the other."""
    placed, moved = [], set[str]()
    rest = iter(order)
    expected = next(rest, None)
    previous = ROOT
    for record in items:
        while expected in moved:
            expected = next(rest, None)
        stays = record.id == expected
        if stays:
            expected = next(rest, None)
        else:
            moved.add(record.id)
        if not stays or known[record.id] != record:
            placed.append(PlacedItem(record, previous))
        previous = record.id
    return tuple(placed)
