"""What a reflector and callers tell each other by HTTP, as JSON: sessions by the batch.

POST /sessions takes `SessionsWanted` and answers `SessionsGranted`; POST /sessions/end takes
`SessionsEnded`.
"""

from typing import Annotated

import msgspec

MAX_BATCH = 1000


class SessionsWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    count: Annotated[int, msgspec.Meta(ge=1, le=MAX_BATCH)]


class Session(msgspec.Struct, frozen=True, array_like=True):
    """What signaling would exchange for one call, both sides of it."""

    number: int
    """At its reflector."""
    tag: int
    """Of its packets; 64 bits, signed."""
    ssrc: int
    """Of the caller's packets."""
    ufrag: str
    """The owner's: it leads the relay to the reflector."""
    password: str
    caller_ufrag: str
    caller_password: str


class SessionsGranted(msgspec.Struct, frozen=True):
    relay: tuple[str, int]
    """The public address."""
    clock: str
    """Of which boot of which host the reflector's clock is."""
    sessions: list[Session]


class SessionsEnded(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    numbers: Annotated[list[int], msgspec.Meta(max_length=MAX_BATCH)]
