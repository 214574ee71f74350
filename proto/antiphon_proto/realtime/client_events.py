"""Events that clients send.

https://platform.openai.com/docs/api-reference/realtime-client-events
"""

from typing import Annotated

import msgspec
from msgspec import Meta, Raw, Struct

from antiphon_proto.realtime.error import RealtimeError
from antiphon_proto.realtime.items import Item
from antiphon_proto.realtime.json_decoding import decode
from antiphon_proto.realtime.response import ResponseParams

MAX_EVENT_BYTES = 256 * 1024
"""What WebRTC stacks take as one data channel message."""

EventId = Annotated[str, Meta(max_length=512)]


class _ClientEvent(Struct, frozen=True, kw_only=True, tag_field="type"):
    """`event_id` is the client's own; an `error` that the event causes names it."""

    event_id: EventId | None = None


class SessionUpdate(_ClientEvent, frozen=True, tag="session.update"):
    """`session` is a patch for `RealtimeSession.merged`."""

    session: Raw


class InputAudioBufferAppend(_ClientEvent, frozen=True, tag="input_audio_buffer.append"):
    """Audio in the session's input format, base64, where audio has no track of its own."""

    audio: bytes


class InputAudioBufferCommit(_ClientEvent, frozen=True, tag="input_audio_buffer.commit"):
    """What was heard since the last commit becomes a user item."""


class InputAudioBufferClear(_ClientEvent, frozen=True, tag="input_audio_buffer.clear"):
    """Forget what was heard since the last commit."""


class OutputAudioBufferClear(_ClientEvent, frozen=True, tag="output_audio_buffer.clear"):
    """Stop playing at once."""


class ConversationItemCreate(_ClientEvent, frozen=True, tag="conversation.item.create"):
    """Insert behind `previous_item_id`; "root" is the start, None the end."""

    item: Item
    previous_item_id: str | None = None


class ConversationItemRetrieve(_ClientEvent, frozen=True, tag="conversation.item.retrieve"):
    """Show an item as the server has it."""

    item_id: str


class ConversationItemDelete(_ClientEvent, frozen=True, tag="conversation.item.delete"):
    """Remove an item."""

    item_id: str


class ConversationItemTruncate(_ClientEvent, frozen=True, tag="conversation.item.truncate"):
    """Only the first `audio_end_ms` of an assistant's audio were heard."""

    item_id: str
    content_index: Annotated[int, Meta(ge=0)]
    audio_end_ms: Annotated[int, Meta(ge=0)]


class ResponseCreate(_ClientEvent, frozen=True, tag="response.create"):
    """Answer."""

    response: ResponseParams | None = None


class ResponseCancel(_ClientEvent, frozen=True, tag="response.cancel"):
    """Stop generating; without `response_id`, whatever is being generated."""

    response_id: str | None = None


ClientEvent = (
    SessionUpdate
    | InputAudioBufferAppend
    | InputAudioBufferCommit
    | InputAudioBufferClear
    | OutputAudioBufferClear
    | ConversationItemCreate
    | ConversationItemRetrieve
    | ConversationItemDelete
    | ConversationItemTruncate
    | ResponseCreate
    | ResponseCancel
)


class _Envelope(Struct, frozen=True):
    event_id: EventId | None = None


_EVENT: msgspec.json.Decoder[ClientEvent] = msgspec.json.Decoder(ClientEvent)
_ENVELOPE = msgspec.json.Decoder(_Envelope)


def parse_client_event(text: str | bytes, *, max_bytes: int = MAX_EVENT_BYTES) -> ClientEvent:
    """Read one event. Raises RealtimeError, with the client's event id where it can be read."""
    size = len(text.encode(errors="replace")) if isinstance(text, str) else len(text)
    if size > max_bytes:
        raise RealtimeError("event_too_large", f"An event has at most {max_bytes} bytes.")
    try:
        return decode(_EVENT, text)
    except RealtimeError as error:
        error.event_id = _event_id(text)
        raise


def _event_id(text: str | bytes) -> str | None:
    try:
        return _ENVELOPE.decode(text).event_id
    except (ValueError, RecursionError):
        return None
