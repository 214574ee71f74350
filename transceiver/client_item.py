"""Items that clients create: what is accepted of them, and what the engine is told."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import msgspec
from msgspec import UNSET

from antiphon_proto import trunk as engine
from antiphon_proto.realtime import RealtimeError
from antiphon_proto.realtime.items import (
    ContentPart,
    FunctionCall,
    FunctionCallOutput,
    InputAudio,
    InputImage,
    InputText,
    Item,
    Message,
    OutputAudio,
    OutputText,
)
from antiphon_proto.realtime.mcp import McpItem
from transceiver.item_history import ROOT, item_bytes
from transceiver.item_images import check_image, images_of, without_images
from transceiver.mcp.engine_items import engine_items as mcp_engine_items

MAX_ITEM_BYTES = 192 * 1024
"""As JSON: events that carry the item must fit into one data channel message."""

_CONTENT: dict[str, tuple[type[ContentPart], ...]] = {
    "system": (InputText,),
    "user": (InputText, InputAudio, InputImage),
    "assistant": (OutputText, OutputAudio),
}


def accepted_item(item: Item, new_id: Callable[[str], str]) -> Item:
    """The item as it enters the conversation: with an id, and complete.

    Raises RealtimeError for content that does not fit the role, audio without a
    transcript (engines read items as text), an image that is none, and an item that is too large.
    """
    if isinstance(item, Message):
        _check_content(item)
        item = msgspec.structs.replace(item, content=list(map(_kept, item.content)))
    if item.id == ROOT:
        raise RealtimeError("invalid_value", f"An item cannot be called {ROOT!r}.", param="item.id")
    item_id = new_id("item") if item.id is UNSET else item.id
    item = msgspec.structs.replace(item, id=item_id)
    if not isinstance(item, McpItem):
        item = msgspec.structs.replace(item, status="completed")
    if isinstance(item, FunctionCall) and item.call_id is UNSET:
        item = msgspec.structs.replace(item, call_id=new_id("call"))
    if item_bytes(without_images(item)) > MAX_ITEM_BYTES:
        raise RealtimeError(
            "item_too_large", f"An item has at most {MAX_ITEM_BYTES} bytes.", param="item"
        )
    return item


def engine_items(item: Item) -> tuple[engine.Item, ...]:
    """As much of an item as an engine needs, which may be nothing."""
    return mcp_engine_items(item) if isinstance(item, McpItem) else (_engine_item(item),)


def _engine_item(item: Message | FunctionCall | FunctionCallOutput) -> engine.Item:
    match item:
        case Message():
            text = "\n".join(filter(None, map(_text, item.content)))
            return engine.Item(str(item.id), engine.Role(item.role), text, images_of(item))
        case FunctionCall():
            call = engine.FunctionCall(str(item.call_id), item.name, item.arguments)
            return engine.Item(str(item.id), engine.Role.ASSISTANT, call)
        case FunctionCallOutput():
            output = engine.FunctionCallOutput(item.call_id, item.output)
            return engine.Item(str(item.id), engine.Role.USER, output)


def engine_history(
    items: Sequence[tuple[Item, str]],
    images: Callable[[str], tuple[str, ...]] = lambda _item_id: (),
) -> tuple[engine.Item, ...]:
    """What an engine can be told of items, each with the words that were understood of it.

    `images` gives those of an item by its id. Speech whose words are not known is left out,
    like an answer without any.
    """
    told = (
        replace(item, content=item.content or words, images=images(item.id))
        for whole, words in items
        for item in engine_items(whole)
    )
    return tuple(item for item in told if item.content or item.images)


def _check_content(message: Message) -> None:
    for index, part in enumerate(message.content):
        where = f"item.content[{index}]"
        if not isinstance(part, _CONTENT[message.role]):
            raise RealtimeError(
                "invalid_value",
                f"This content does not belong into a message of the role {message.role!r}.",
                param=f"{where}.type",
            )
        if isinstance(part, InputImage):
            check_image(part, where)
        unread = isinstance(part, InputAudio) and part.transcript is None
        if unread or (isinstance(part, OutputAudio) and part.audio and not part.transcript):
            raise RealtimeError(
                "unsupported_content",
                "Audio can be added to the conversation with its transcript only.",
                param=f"{where}.transcript",
            )


def _kept(part: ContentPart) -> ContentPart:
    """The assistant's sound is not; a user's may be null, as clients say that they have none."""
    if isinstance(part, OutputAudio) or (isinstance(part, InputAudio) and part.audio is None):
        return msgspec.structs.replace(part, audio=UNSET)
    return part


def _text(part: ContentPart) -> str:
    match part:
        case InputText() | OutputText():
            return part.text
        case InputAudio() | OutputAudio():
            return part.transcript or ""
        case InputImage():
            return ""
