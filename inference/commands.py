"""What a transceiver asks of a session, one dataclass a command of the trunk."""

from dataclasses import dataclass

from inference.items import Item
from inference.session_config import SessionConfig


@dataclass(frozen=True, slots=True)
class Open:
    """The first command of a session."""

    call_id: str
    """Correlates logs across the tiers; never personal data."""
    model: str
    """An engine's name selects it; any other selects the replica's default."""
    config: SessionConfig
    history: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Update:
    config: SessionConfig


@dataclass(frozen=True, slots=True)
class Commit:
    """What was heard since the last commit becomes item `item_id`."""

    item_id: str


@dataclass(frozen=True, slots=True)
class ClearInput:
    """Forget what was heard since the last commit."""


@dataclass(frozen=True, slots=True)
class Respond:
    """Start response `response`; numbers grow from 1 within a session."""

    response: int
    item_id: str
    """The item that the answer becomes."""
    instructions: str = ""
    """Empty: the session's own."""
    text_only: bool | None = None
    """None: as the session says."""


@dataclass(frozen=True, slots=True)
class Cancel:
    response: int
    played_ms: int
    """How much of it was heard."""


@dataclass(frozen=True, slots=True)
class ItemCreate:
    item: Item
    previous_item_id: str
    """Empty: at the end. "root": at the start."""


@dataclass(frozen=True, slots=True)
class ItemTruncate:
    item_id: str
    audio_end_ms: int


@dataclass(frozen=True, slots=True)
class ItemDelete:
    item_id: str


@dataclass(frozen=True, slots=True)
class PlaybackCredit:
    response: int
    played_ms: int


@dataclass(frozen=True, slots=True)
class Close:
    reason: str


Command = (
    Open
    | Update
    | Commit
    | ClearInput
    | Respond
    | Cancel
    | ItemCreate
    | ItemTruncate
    | ItemDelete
    | PlaybackCredit
    | Close
)
