"""The items that a response gives out, each at an index of its own."""

from collections.abc import Callable

from antiphon_proto.realtime import response_events as told
from antiphon_proto.realtime import server_events as api
from antiphon_proto.realtime.items import Item
from transceiver.item_history import ItemHistory

MAX_TEXT = 32 * 1024
"""Characters of text and arguments in a response, so that its events fit the data channel."""

Events = list[api.ServerEvent]


class ResponseOutput:
    """Keeps a response's items in `history`, and tells of them.

    An item of a response outside of the conversation is no item of the conversation: only the
    response's own events tell of it.
    """

    def __init__(
        self,
        response_id: str,
        history: ItemHistory,
        new_id: Callable[[str], str],
        *,
        out_of_band: bool,
    ) -> None:
        self.response_id = response_id
        self.history = history
        self.new_id = new_id
        self.room = MAX_TEXT
        """What is left of it."""
        self.remote_calls = 0
        """Of tools that clients do not run."""
        self._out_of_band = out_of_band
        self._added = 0
        self._finished: dict[int, Item] = {}

    @property
    def items(self) -> list[Item]:
        """Those that are finished or kept, in order."""
        return [item for _index, item in sorted(self._finished.items())]

    def __len__(self) -> int:
        return self._added

    def add(self, item: Item) -> tuple[int, Events]:
        """An item begins; its index, and what tells of it."""
        index = self._added
        self._added += 1
        previous = self.history.insert(item)
        events: Events = [
            told.ResponseOutputItemAdded(
                response_id=self.response_id, output_index=index, item=item
            )
        ]
        if not self._out_of_band:
            events.append(api.ConversationItemAdded(item=item, previous_item_id=previous))
        return index, events

    def keep(self, item: Item, index: int) -> None:
        """The item at `index` stands so now: it may be finished when the response is over."""
        self.history.replace(item)
        self._finished[index] = item

    def finish(self, item: Item, index: int) -> Events:
        """The item at `index` is as it will stay."""
        self.history.replace(item)
        self._finished[index] = item
        events: Events = [
            told.ResponseOutputItemDone(response_id=self.response_id, output_index=index, item=item)
        ]
        if not self._out_of_band:
            previous = self.history.previous_id(str(item.id))
            events.append(api.ConversationItemDone(item=item, previous_item_id=previous))
        return events
