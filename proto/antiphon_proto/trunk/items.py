"""Conversation items, as much of them as an engine needs."""

from dataclasses import dataclass
from enum import Enum


class Role(Enum):
    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class FunctionCall:
    call_id: str
    name: str
    arguments_json: str


@dataclass(frozen=True, slots=True)
class FunctionCallOutput:
    call_id: str
    output: str


@dataclass(frozen=True, slots=True)
class Item:
    """A conversation item, as much of it as an engine needs: its text, or a call of a tool."""

    id: str
    role: Role
    content: str | FunctionCall | FunctionCallOutput
    images: tuple[str, ...] = ()
    """What a user showed with the text: `data:` or `https:` URLs."""
