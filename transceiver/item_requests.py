"""What clients ask of the conversation's items."""

from collections.abc import Callable

from antiphon_proto import trunk as engine
from antiphon_proto.realtime import RealtimeError
from antiphon_proto.realtime import client_events as asked
from antiphon_proto.realtime import server_events as api
from antiphon_proto.realtime.items import Message, OutputAudio
from transceiver.client_item import accepted_item, engine_items
from transceiver.item_allowance import ItemAllowance
from transceiver.item_history import ItemHistory, UnknownItemError, item_bytes
from transceiver.item_images import images_of, without_images
from transceiver.mcp.engine_items import engine_ids
from transceiver.outbox import Outbox

TRUNCATION_TOLERANCE_MS = 1
"""Clients round the length of what they received up."""


class ItemRequests:
    """Changes the history, tells the engine, answers the client."""

    def __init__(self, outbox: Outbox, history: ItemHistory, new_id: Callable[[str], str]) -> None:
        self._outbox = outbox
        self._history = history
        self._new_id = new_id
        self.allowance = ItemAllowance()

    def create(self, event: asked.ConversationItemCreate) -> None:
        """Insert an item. Raises RealtimeError."""
        whole = accepted_item(event.item, self._new_id)
        item = without_images(whole)
        if str(item.id) in self._history:
            raise RealtimeError(
                "item_create_duplicate_item_id",
                f"Error adding item: an item with id {item.id!r} already exists.",
                param="item.id",
            )
        self.allowance.take(item_bytes(whole))
        try:
            previous = self._history.insert(item, event.previous_item_id)
        except UnknownItemError as error:
            raise _unknown_item("create", str(error), "previous_item_id") from error
        self._history.images.keep(str(item.id), images_of(whole))
        after = event.previous_item_id or ""
        for told in engine_items(whole):
            self._outbox.command(engine.ItemCreate(told, after))
            after = told.id if after else ""
        self._outbox.send(
            api.ConversationItemAdded(item=item, previous_item_id=previous),
            api.ConversationItemDone(item=item, previous_item_id=previous),
        )

    def retrieve(self, event: asked.ConversationItemRetrieve) -> None:
        """Show an item. Raises RealtimeError."""
        try:
            item = self._history.get(event.item_id)
        except UnknownItemError as error:
            raise _unknown_item("retrieve", event.item_id) from error
        self._outbox.reply(api.ConversationItemRetrieved(item=item))

    def delete(self, event: asked.ConversationItemDelete) -> None:
        """Remove an item. Raises RealtimeError."""
        try:
            known = engine_ids(self._history.get(event.item_id))
            self._history.remove(event.item_id)
        except UnknownItemError as error:
            raise _unknown_item("delete", event.item_id) from error
        for engine_id in known:
            self._outbox.command(engine.ItemDelete(engine_id))
        self._outbox.send(api.ConversationItemDeleted(item_id=event.item_id))

    def truncate(self, event: asked.ConversationItemTruncate) -> None:
        """Count only the start of an answer as heard. Raises RealtimeError."""
        try:
            self._check_truncation(event)
            self._history.truncate(event.item_id, event.audio_end_ms)
        except UnknownItemError as error:
            raise _unknown_item("truncate", event.item_id) from error
        self._outbox.command(engine.ItemTruncate(event.item_id, event.audio_end_ms))
        self._outbox.send(
            api.ConversationItemTruncated(
                item_id=event.item_id,
                content_index=event.content_index,
                audio_end_ms=event.audio_end_ms,
            )
        )

    def _check_truncation(self, event: asked.ConversationItemTruncate) -> None:
        item = self._history.get(event.item_id)
        if not isinstance(item, Message) or item.role != "assistant":
            raise RealtimeError(
                "invalid_value", "Only audio of the assistant can be truncated.", param="item_id"
            )
        spoken = not item.content or isinstance(item.content[0], OutputAudio)
        if event.content_index != 0 or not spoken:
            raise RealtimeError(
                "invalid_value", "There is no audio content at this index.", param="content_index"
            )
        audio_ms = self._history.audio_ms(event.item_id)
        if event.audio_end_ms > audio_ms + TRUNCATION_TOLERANCE_MS:
            raise RealtimeError(
                "invalid_value",
                f"Audio content of {audio_ms:.0f}ms is already shorter than {event.audio_end_ms}ms",
                param="audio_end_ms",
            )


def _unknown_item(action: str, item_id: str, param: str = "item_id") -> RealtimeError:
    return RealtimeError(
        f"item_{action}_invalid_item_id",
        f"Error: there is no item with id {item_id!r} in the conversation.",
        param=param,
    )
