"""What a transceiver asks of a session: one dataclass a command of `inference.proto`."""

from dataclasses import dataclass

from antiphon_proto.trunk.items import Item
from antiphon_proto.trunk.session_config import SessionConfig


@dataclass(frozen=True, slots=True)
class Open:
    """The first command of a session; answered by Ready or a fatal Error."""

    call_id: str
    model: str
    config: SessionConfig
    history: tuple[Item, ...]
    traceparent: str = ""
    """The span of the call, as a W3C header; empty: it is not traced."""


@dataclass(frozen=True, slots=True)
class Update:
    """Replaces the configuration."""

    config: SessionConfig


@dataclass(frozen=True, slots=True)
class Commit:
    """What was heard since the last commit becomes `item_id`."""

    item_id: str


@dataclass(frozen=True, slots=True)
class ClearInput:
    """Forget what was heard since the last commit."""


@dataclass(frozen=True, slots=True)
class Respond:
    """Start response number `response`, whose message becomes `item_id`."""

    response: int
    item_id: str
    config: SessionConfig | None = None
    """How to answer this once, None: as the session says. It does not change how to listen."""
    context: tuple[Item, ...] | None = None
    """What to answer, None: the conversation."""
    out_of_band: bool = False
    """The answer joins no conversation, and may be given beside one that does."""
    said: str = ""
    """What was heard of this answer already, from a replica that is gone: go on behind it."""
    traceparent: str = ""
    """The span of the turn that it is part of, as in Open."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop `response`, of which `played_ms` were heard; also sent when only playing is left."""

    response: int
    played_ms: int


@dataclass(frozen=True, slots=True)
class ItemCreate:
    item: Item
    previous_item_id: str = ""
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
    """`played_ms` of `response` have left the playout buffer."""

    response: int
    played_ms: int


@dataclass(frozen=True, slots=True)
class Close:
    """`reason` is a CloseReason's value."""

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
