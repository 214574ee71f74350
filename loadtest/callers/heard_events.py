"""What a server says, as far as its callers need to know.

https://platform.openai.com/docs/api-reference/realtime-server-events
"""

from dataclasses import dataclass
from typing import Any

import msgspec

from antiphon_proto.realtime.response_events import (
    ResponseDone,
    ResponseOutputAudioDelta,
    ResponseOutputAudioDone,
    ResponseOutputAudioTranscriptDone,
)
from antiphon_proto.realtime.server_events import Error, InputAudioBufferSpeechStarted

HeardEvent = (
    Error
    | InputAudioBufferSpeechStarted
    | ResponseDone
    | ResponseOutputAudioDelta
    | ResponseOutputAudioDone
    | ResponseOutputAudioTranscriptDone
)
SESSION_CREATED = "session.created"


class ServerEventError(ValueError):
    """What the server said is no event of the API."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One event."""

    type: str
    event: HeardEvent | None
    """None where its type tells all that is to be known."""


class _Head(msgspec.Struct, frozen=True):
    type: str


_HEAD = msgspec.json.Decoder(_Head)
_BODIES: dict[str, msgspec.json.Decoder[Any]] = {
    str(kind.__struct_config__.tag): msgspec.json.Decoder(kind) for kind in HeardEvent.__args__
}


def parse_heard(text: bytes | str) -> Heard:
    """Read one event; of types that callers have no use for, only the type. Raises
    ServerEventError."""
    try:
        type_ = _HEAD.decode(text).type
        body = _BODIES.get(type_)
        return Heard(type_, body.decode(text) if body else None)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ServerEventError(str(error)) from error
