"""What a client's message may be: how long it may be depends on what it holds."""

from antiphon_proto.realtime import ClientEvent, RealtimeError, parse_client_event
from antiphon_proto.realtime.client_events import (
    MAX_EVENT_BYTES,
    ConversationItemCreate,
    InputAudioBufferAppend,
)
from transceiver.item_images import MAX_IMAGE_EVENT_BYTES

MAX_AUDIO_EVENT_BYTES = 20 * 1024 * 1024 + 1024
"""Of an event with audio, where events carry it: the API's 15 MiB, in base64."""


def read_message(text: str | bytes, *, with_audio: bool) -> ClientEvent:
    """The event. Raises RealtimeError, with the client's event id where it can be read.

    `with_audio`: the transport carries audio in events, and so has room for images too.
    """
    if not with_audio or len(text) <= MAX_EVENT_BYTES:
        return parse_client_event(text)
    event = parse_client_event(text, max_bytes=MAX_AUDIO_EVENT_BYTES)
    match event:
        case InputAudioBufferAppend():
            return event
        case ConversationItemCreate() if len(text) <= MAX_IMAGE_EVENT_BYTES:
            return event
        case ConversationItemCreate():
            message = f"An event with an item has at most {MAX_IMAGE_EVENT_BYTES} bytes."
        case _:
            message = f"An event without audio or an item has at most {MAX_EVENT_BYTES} bytes."
    raise RealtimeError("event_too_large", message, event_id=event.event_id)
