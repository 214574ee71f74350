"""The conversation's items in order, as the server knows them."""

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from antiphon_proto.realtime.items import Item, Message, OutputAudio
from antiphon_proto.trunk import WordEnd
from transceiver.heard_text import heard_text
from transceiver.item_images import ItemImages
from transceiver.word_times import WordTimes

MAX_ITEMS = 1000
MAX_TOTAL_BYTES = 8 * 1024 * 1024
"""Of all items as JSON. Where a bound is reached the oldest items are forgotten."""

ROOT = "root"
"""The `previous_item_id` of what goes to the very start."""


class UnknownItemError(LookupError):
    """No item has this id."""


@dataclass(slots=True)
class _Entry:
    whole: Item
    size: int
    audio_ms: float = 0.0
    heard_ms: int | None = None
    """Set when it was truncated."""
    times: WordTimes | None = None
    """Where its words end, if its engine tells."""
    words: str = ""
    """What was understood of the user's speech, whether the client wants to know or not."""


class ItemHistory:
    """Bounded. Every item here has an id; one that was truncated stays so when it is replaced."""

    def __init__(self, max_items: int = MAX_ITEMS, max_total_bytes: int = MAX_TOTAL_BYTES) -> None:
        self._max_items = max_items
        self._max_total_bytes = max_total_bytes
        self.images = ItemImages()
        """Of the items here; none of an item that is gone."""
        self._entries: dict[str, _Entry] = {}
        self._order: list[str] = []
        self._total_bytes = 0
        self.revision = 0
        """Changes whenever `items` may be others."""

    def __contains__(self, item_id: str) -> bool:
        return item_id in self._entries

    def __len__(self) -> int:
        return len(self._order)

    def get(self, item_id: str) -> Item:
        """The item, without what was not heard of it. Raises UnknownItemError."""
        entry = self._entry(item_id)
        if entry.heard_ms is None:
            return entry.whole
        return _truncated(entry, entry.heard_ms)

    def audio_ms(self, item_id: str) -> float:
        """How much audio belongs to the item. Raises UnknownItemError."""
        return self._entry(item_id).audio_ms

    def items(self) -> list[tuple[Item, str]]:
        """All items in order, without what was not heard of them, each with its `words`."""
        return [(self.get(item_id), self._entries[item_id].words) for item_id in self._order]

    def words(self, item_id: str) -> str:
        """What was understood of the user's speech in the item. Raises UnknownItemError."""
        return self._entry(item_id).words

    def note_words(self, item_id: str, words: str) -> None:
        """So the user's speech was understood; does nothing when the item is gone."""
        entry = self._entries.get(item_id)
        if entry:
            entry.words = words
            self.revision += 1

    def previous_id(self, item_id: str) -> str | None:
        """The item before this one; None for the first, and for one that is gone."""
        if item_id not in self._entries:
            return None
        index = self._order.index(item_id)
        return self._order[index - 1] if index else None

    def insert(self, item: Item, previous_item_id: str | None = None) -> str | None:
        """Insert behind the given item, at `ROOT`, or by default at the end.

        An item that has its id already gives way. Returns the id of the item before it.
        Raises UnknownItemError.
        """
        item_id = str(item.id)
        if item_id in self._entries:
            self.remove(item_id)
        if previous_item_id is None:
            index = len(self._order)
        elif previous_item_id == ROOT:
            index = 0
        else:
            self._entry(previous_item_id)
            index = self._order.index(previous_item_id) + 1
        self._order.insert(index, item_id)
        self.revision += 1
        self._entries[item_id] = _Entry(item, size := item_bytes(item))
        self._total_bytes += size
        self._forget_oldest(but=item_id)
        return self.previous_id(item_id)

    def replace(self, item: Item) -> None:
        """Put `item` in the place of the one with its id; does nothing when that is gone."""
        entry = self._entries.get(str(item.id))
        if entry is None:
            return
        size = item_bytes(item)
        self._total_bytes += size - entry.size
        entry.whole, entry.size = item, size
        self.revision += 1
        self._forget_oldest(but=str(item.id))

    def add_audio(self, item_id: str, milliseconds: float) -> None:
        """The item gained audio; does nothing when it is gone."""
        entry = self._entries.get(item_id)
        if entry:
            entry.audio_ms += milliseconds

    def add_words(self, item_id: str, words: Iterable[WordEnd]) -> None:
        """Its engine told where words end in it; does nothing when the item is gone."""
        if (times := self._times(item_id)) is not None:
            times.add(words)

    def restart_words(self, item_id: str, text_end: int, audio_end_ms: int) -> None:
        """Another engine goes on with the item from there; does nothing when it is gone."""
        if (times := self._times(item_id)) is not None:
            times.restart(text_end, audio_end_ms)

    def word_times(self, item_id: str) -> WordTimes | None:
        """Where the words of an item end, as far as it is known."""
        entry = self._entries.get(item_id)
        return entry.times if entry else None

    def truncate(self, item_id: str, heard_ms: int) -> None:
        """Only so much of the item was heard. Raises UnknownItemError."""
        entry = self._entry(item_id)
        entry.heard_ms = heard_ms if entry.heard_ms is None else min(heard_ms, entry.heard_ms)
        self.revision += 1

    def remove(self, item_id: str) -> None:
        """Raises UnknownItemError."""
        self._total_bytes -= self._entry(item_id).size
        del self._entries[item_id]
        self._order.remove(item_id)
        self.images.forget(item_id)
        self.revision += 1

    def _times(self, item_id: str) -> WordTimes | None:
        entry = self._entries.get(item_id)
        if entry is None:
            return None
        if entry.times is None:
            entry.times = WordTimes()
        return entry.times

    def _entry(self, item_id: str) -> _Entry:
        try:
            return self._entries[item_id]
        except KeyError:
            raise UnknownItemError(item_id) from None

    def _forget_oldest(self, *, but: str) -> None:
        while len(self._order) > self._max_items or self._total_bytes > self._max_total_bytes:
            self.remove(next(item_id for item_id in self._order if item_id != but))


def item_bytes(item: Item) -> int:
    """The item's size as JSON."""
    return len(msgspec.json.encode(item))


def _truncated(entry: _Entry, heard_ms: int) -> Item:
    item, audio_ms, times = entry.whole, entry.audio_ms, entry.times
    if not isinstance(item, Message):
        return item
    content = [
        OutputAudio(transcript=heard_text(part.transcript, heard_ms, audio_ms, times))
        if isinstance(part, OutputAudio)
        else part
        for part in item.content
    ]
    return msgspec.structs.replace(item, content=content)
