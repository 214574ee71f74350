"""What is kept of a conversation, so that another worker can go on with it.

Kept are the configuration, the items with what was heard and understood of them, and which
answers were being given. Not kept are sound, speech whose words were not known yet, and the
clock of the input.

A snapshot travels as parts: a first one with everything, and then what has changed.
"""

from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Raw, Struct

from antiphon_proto.realtime.items import Item
from antiphon_proto.realtime.response import Response
from transceiver.item_history import ROOT

UNCHANGED = Raw(b"null")


class ItemRecord(Struct, frozen=True, array_like=True):
    """An item as `conversation.item.retrieve` shows it."""

    item: Item
    audio_ms: float = 0.0
    words: str = ""
    """What was understood of the user's speech."""
    images: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return str(self.item.id)


class Snapshot(Struct, frozen=True, kw_only=True):
    """A conversation as it stood."""

    session: Raw
    """The session's configuration, id and all (a JSON object)."""
    items: tuple[ItemRecord, ...] = ()
    unfinished: tuple[Response, ...] = ()
    """Answers that were being given; their `output` holds what had come of them."""


class PlacedItem(Struct, frozen=True, array_like=True):
    """An item, and the one before it: an id or ROOT."""

    record: ItemRecord
    after: str


class SnapshotPart(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What has changed since the part before; in the first one, everything."""

    owner: str
    """The tunnel address (HOST:PORT) of the worker that made it."""
    session: Raw = UNCHANGED
    """`null` where it is as it was."""
    removed: tuple[str, ...] = ()
    """Ids of items; one that changed is removed and placed again."""
    placed: tuple[PlacedItem, ...] = ()
    unfinished: tuple[Response, ...] = ()

    @classmethod
    def whole(cls, snapshot: Snapshot, owner: str = "") -> "SnapshotPart":
        """The first part, which is all."""
        places = (ROOT, *(record.id for record in snapshot.items))
        placed = tuple(map(PlacedItem, snapshot.items, places))
        return cls(
            owner=owner,
            session=snapshot.session,
            placed=placed,
            unfinished=snapshot.unfinished,
        )


class SnapshotError(ValueError):
    """The parts make no snapshot."""


def encode_part(part: SnapshotPart) -> bytes:
    return msgspec.json.encode(part)


def decode_parts(parts: Sequence[bytes]) -> tuple[Snapshot, str]:
    """What parts amount to, in order, and the owner that made the last. Raises SnapshotError."""
    try:
        decoded = [_PART.decode(part) for part in parts]
    except msgspec.DecodeError as error:
        raise SnapshotError("a part that cannot be read") from error
    return _joined(decoded)


def _joined(parts: Sequence[SnapshotPart]) -> tuple[Snapshot, str]:
    session = UNCHANGED
    records: dict[str, ItemRecord] = {}
    order: list[str] = []
    for part in parts:
        session = part.session if bytes(part.session) != bytes(UNCHANGED) else session
        _remove(part.removed, records, order)
        for placed in part.placed:
            _place(placed, records, order)
    if session is UNCHANGED:
        raise SnapshotError("the first part is missing")
    last = parts[-1]
    snapshot = Snapshot(
        session=session,
        items=tuple(records[each] for each in order),
        unfinished=last.unfinished,
    )
    return snapshot, last.owner


def _remove(ids: Iterable[str], records: dict[str, ItemRecord], order: list[str]) -> None:
    gone = {each for each in ids if records.pop(each, None) is not None}
    if gone:
        order[:] = [each for each in order if each not in gone]


def _place(placed: PlacedItem, records: dict[str, ItemRecord], order: list[str]) -> None:
    item_id = placed.record.id
    _remove((item_id,), records, order)
    records[item_id] = placed.record
    at = 0 if placed.after == ROOT else _index(order, placed.after) + 1
    order.insert(at, item_id)


def _index(order: list[str], item_id: str) -> int:
    try:
        return order.index(item_id)
    except ValueError:
        raise SnapshotError("a part is missing") from None


_PART = msgspec.json.Decoder(SnapshotPart)
