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

INSTRUCTIONS = HistoryBounds(items=100, characters=50_000)
"""What the application's instructions may take besides."""


def compacted(history: Sequence[Item], bounds: HistoryBounds) -> tuple[Item, ...]:
    """The newest items within the bounds, and besides them the application's instructions.

    A system item is kept however old it is, within INSTRUCTIONS. A result is kept with the
    call that it answers, or not at all.
    """
    instructions = [item for item in history if item.role is Role.SYSTEM]
    said = [item for item in history if item.role is not Role.SYSTEM]
    kept = _newest(instructions, INSTRUCTIONS) | _newest(said, bounds)
    return _without_orphans([item for item in history if item.id in kept])


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


def _newest(items: Sequence[Item], bounds: HistoryBounds) -> set[str]:
    """The ids of the newest ones within the bounds."""
    room = bounds.characters
    ids: set[str] = set()
    for item in reversed(items[max(0, len(items) - bounds.items) :]):
        room -= characters(item)
        if room < 0:
            break
        ids.add(item.id)
    return ids


def characters(item: Item) -> int:
    """How long the item is, but for its images."""
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
