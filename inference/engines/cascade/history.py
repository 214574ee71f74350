"""The conversation as an engine session remembers it."""

from collections.abc import Iterable
from dataclasses import replace

from antiphon_proto.trunk import Item

MAX_ITEMS = 500
FORGOTTEN_AT_ONCE = 100
"""Beyond it the oldest items are forgotten: many at a time, as each time costs a model server
what it has cached of the conversation."""

MAX_IMAGE_BYTES = 6 * 1024 * 1024
"""Of all images together, as URLs; beyond it the oldest are forgotten."""

ROOT = "root"


class History:
    """Items in order; what a request names and is not there is passed over.

    The transceiver owns the conversation: it has checked the client's requests
    already, and knows items that never meant anything to an engine.
    """

    def __init__(self, items: tuple[Item, ...] = ()) -> None:
        self._items = list(items)

    @property
    def items(self) -> tuple[Item, ...]:
        return tuple(self._items)

    @property
    def last_id(self) -> str:
        """Behind which the next item belongs."""
        return self._items[-1].id if self._items else ROOT

    def append(self, item: Item) -> None:
        self._items.append(item)
        self._forget()

    def insert(self, item: Item, previous_item_id: str) -> None:
        """Put `item` behind another; "root": first; empty or unknown: last."""
        if previous_item_id == ROOT:
            self._items.insert(0, item)
        else:
            previous = self._index(previous_item_id)
            self._items.insert(len(self._items) if previous is None else previous + 1, item)
        self._forget()
        if item.images:
            self._forget_images()

    def insert_all(self, items: Iterable[Item], previous_item_id: str) -> None:
        """Put them behind another, one behind the other."""
        for item in items:
            self.insert(item, previous_item_id)
            previous_item_id = item.id

    def set_text(self, item_id: str, text: str) -> None:
        index = self._index(item_id)
        if index is not None and isinstance(self._items[index].content, str):
            self._items[index] = replace(self._items[index], content=text)

    def delete(self, item_id: str) -> None:
        index = self._index(item_id)
        if index is not None:
            del self._items[index]

    def _forget(self) -> None:
        if len(self._items) > MAX_ITEMS:
            del self._items[:FORGOTTEN_AT_ONCE]

    def _forget_images(self) -> None:
        room = MAX_IMAGE_BYTES
        for index in reversed(range(len(self._items))):
            item = self._items[index]
            room -= sum(map(len, item.images))
            if item.images and room < 0:
                self._items[index] = replace(item, images=())

    def _index(self, item_id: str) -> int | None:
        for index, item in enumerate(self._items):
            if item.id == item_id and item_id:
                return index
        return None
