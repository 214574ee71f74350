"""What an engine is told of a conversation that began without it."""

from collections.abc import Sequence
from dataclasses import dataclass

from antiphon_proto.trunk import (
    Command,
    FunctionCall,
    FunctionCallOutput,
    Item,
    ItemCreate,
    ItemDelete,
    Role,
)

ROOT = "root"
"""The `previous_item_id` of what goes to the very start."""


@dataclass(frozen=True, slots=True)
class HistoryBounds:
    """How much of a conversation is told."""

    items: int
    characters: int


WHOLE = HistoryBounds(items=400, characters=100_000)
"""What a new engine is told at most: a prompt of some 25 000 tokens."""

COMPACT = HistoryBounds(items=40, characters=8_000)
"""What is left for an engine whose context is nearly full: its last few minutes."""


def compacted(history: Sequence[Item], bounds: HistoryBounds) -> tuple[Item, ...]:
    """The newest items within the bounds, and every instruction that the application gave.

    A system item is kept however old it is. A result is kept with the call that it answers,
    or not at all.
    """
    kept: list[Item] = []
    items, characters = bounds.items, bounds.characters
    full = False
    for item in reversed(history):
        size = _characters(item)
        full = full or items < 1 or characters < size
        if item.role is Role.SYSTEM or not full:
            kept.append(item)
            items, characters = items - 1, characters - size
    kept.reverse()
    return _without_orphans(kept)


def catch_up(known: Sequence[Item], now: Sequence[Item]) -> list[Command]:
    """What makes an engine that was told `known` know `now`."""
    told = {item.id: item for item in known}
    current = {item.id: item for item in now}
    commands: list[Command] = [ItemDelete(id_) for id_ in told if told[id_] != current.get(id_)]
    previous = ROOT
    for item in now:
        if told.get(item.id) != item:
            commands.append(ItemCreate(item, previous))
        previous = item.id
    return commands


def _characters(item: Item) -> int:
    match item.content:
        case str(text):
            return len(text)
        case FunctionCall(_, name, arguments):
            return len(name) + len(arguments)
        case FunctionCallOutput(_, output):
            return len(output)


def _without_orphans(history: Sequence[Item]) -> tuple[Item, ...]:
    called: set[str] = set()
    kept: list[Item] = []
    for item in history:
        if isinstance(item.content, FunctionCall):
            called.add(item.content.call_id)
        if not isinstance(item.content, FunctionCallOutput) or item.content.call_id in called:
            kept.append(item)
    return tuple(kept)
