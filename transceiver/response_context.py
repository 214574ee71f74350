"""What a response answers where that is not the conversation."""

from collections.abc import Callable, Sequence

from antiphon_proto import trunk as engine
from antiphon_proto.realtime import RealtimeError
from antiphon_proto.realtime.items import Item, Message
from antiphon_proto.realtime.json_decoding import join_path
from antiphon_proto.realtime.response import ItemReference, ResponseInput
from transceiver.client_item import accepted_item, engine_history
from transceiver.engine_history import characters
from transceiver.item_history import ItemHistory
from transceiver.item_images import images_of

MAX_CONTEXT_CHARACTERS = 8 * 1024 * 1024
"""Images included: half of what a replica takes as one message."""


class ResponseContext:
    """Reads the `input` of a `response.create`."""

    def __init__(self, histories: Sequence[ItemHistory], new_id: Callable[[str], str]) -> None:
        """`histories`: where items that are referred to are looked for."""
        self._histories = histories
        self._new_id = new_id

    def of(self, given: ResponseInput) -> tuple[engine.Item, ...]:
        """Raises RealtimeError for items that cannot be, and for references to none."""
        context: list[engine.Item] = []
        room = MAX_CONTEXT_CHARACTERS
        for index, item in enumerate(given):
            told = self._told(item, f"response.input[{index}]")
            room -= sum(map(_size, told))
            if room < 0:
                raise RealtimeError(
                    "input_too_large",
                    f"The input of a response has at most {MAX_CONTEXT_CHARACTERS} characters.",
                    param="response.input",
                )
            context += told
        return tuple(context)

    def _told(self, item: Item | ItemReference, where: str) -> Sequence[engine.Item]:
        if isinstance(item, ItemReference):
            return self._referred_to(item.id, where)
        try:
            accepted = accepted_item(item, self._new_id)
        except RealtimeError as error:
            error.param = where + (error.param or "").removeprefix("item")
            raise
        return engine_history([(accepted, "")], lambda _item_id: images_of(accepted))

    def _referred_to(self, item_id: str, where: str) -> Sequence[engine.Item]:
        for history in self._histories:
            if item_id in history:
                item = history.get(item_id)
                told = engine_history([(item, history.words(item_id))], history.images)
                return told or _unheard(item)
        raise RealtimeError(
            "invalid_value",
            f"There is no item with id {item_id!r} in the session.",
            param=join_path(where, "id"),
        )


def _unheard(item: Item) -> Sequence[engine.Item]:
    """Speech whose words are not known yet: the engine that hears it will know them."""
    if isinstance(item, Message) and item.role == "user":
        return (engine.Item(str(item.id), engine.Role.USER, ""),)
    return ()


def _size(item: engine.Item) -> int:
    return characters(item) + sum(map(len, item.images))
