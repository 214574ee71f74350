"""Events that the server sends.

`event_id` may be left empty when an event is made; whoever sends it fills it in.

https://platform.openai.com/docs/api-reference/realtime-server-events
"""

from typing import Literal

import msgspec
from msgspec import Struct

from antiphon_proto.realtime.items import Item
from antiphon_proto.realtime.mcp_events import McpEvent
from antiphon_proto.realtime.response_events import ResponseEvent
from antiphon_proto.realtime.session import RealtimeSession
from antiphon_proto.realtime.transcription_session import TranscriptionSession


class _ServerEvent(Struct, frozen=True, kw_only=True, tag_field="type"):
    event_id: str = ""


ErrorKind = Literal["invalid_request_error", "server_error"]


class ErrorDetails(Struct, frozen=True, kw_only=True):
    """`event_id` is the client's own, of the event at fault."""

    type: ErrorKind
    code: str
    message: str
    param: str | None = None
    event_id: str | None = None


class Error(_ServerEvent, frozen=True, tag="error"):
    """Something was refused or went wrong; the session goes on."""

    error: ErrorDetails


# ---- session ---------------------------------------------------------------


class SessionCreated(_ServerEvent, frozen=True, tag="session.created"):
    """The first event of every session."""

    session: RealtimeSession | TranscriptionSession


class SessionUpdated(_ServerEvent, frozen=True, tag="session.updated"):
    """Answers `session.update` with the whole effective configuration."""

    session: RealtimeSession | TranscriptionSession


class RateLimit(Struct, frozen=True, kw_only=True):
    """`remaining` of `limit`, all of which are there again after `reset_seconds`."""

    name: Literal["requests", "tokens"]
    limit: int
    remaining: int
    reset_seconds: float


class RateLimitsUpdated(_ServerEvent, frozen=True, tag="rate_limits.updated"):
    """What is left once a response is counted; follows its `response.created`."""

    rate_limits: list[RateLimit]


class ConversationName(Struct, frozen=True, kw_only=True):
    """What a response says as its `conversation_id`."""

    id: str
    object: Literal["realtime.conversation"] = "realtime.conversation"


class ConversationCreated(_ServerEvent, frozen=True, tag="conversation.created"):
    """A session's one conversation; a session that only transcribes has none."""

    conversation: ConversationName


# ---- the user's audio ------------------------------------------------------
# Times are milliseconds of the audio received in this session.


class InputAudioBufferSpeechStarted(
    _ServerEvent, frozen=True, tag="input_audio_buffer.speech_started"
):
    """`item_id` is the id that the turn's item will have."""

    item_id: str
    audio_start_ms: int


class InputAudioBufferSpeechStopped(
    _ServerEvent, frozen=True, tag="input_audio_buffer.speech_stopped"
):
    """`audio_end_ms` includes the silence that was waited for."""

    item_id: str
    audio_end_ms: int


class InputAudioBufferCommitted(_ServerEvent, frozen=True, tag="input_audio_buffer.committed"):
    """A turn of the user's became an item."""

    item_id: str
    previous_item_id: str | None


class InputAudioBufferCleared(_ServerEvent, frozen=True, tag="input_audio_buffer.cleared"):
    """Answers `input_audio_buffer.clear`."""


class InputAudioBufferTimeoutTriggered(
    _ServerEvent, frozen=True, tag="input_audio_buffer.timeout_triggered"
):
    """Nobody spoke between the end of the last answer and now: the agent is to speak again.

    `item_id` is the id of the item that the silence becomes.
    """

    item_id: str
    audio_start_ms: int
    audio_end_ms: int


class InputAudioBufferDtmfEventReceived(
    _ServerEvent, frozen=True, omit_defaults=True, tag="input_audio_buffer.dtmf_event_received"
):
    """The caller of a SIP call pressed a key. It alone of all events has no `event_id`."""

    event: str
    """One of 0-9, *, #, A-D."""
    received_at: int
    """Unix seconds."""


class TranscriptionUsage(Struct, frozen=True, kw_only=True, tag_field="type", tag="duration"):
    """How much audio was transcribed."""

    seconds: float


class InputAudioTranscriptionDelta(
    _ServerEvent, frozen=True, tag="conversation.item.input_audio_transcription.delta"
):
    """What the transcript of a user item gained."""

    item_id: str
    content_index: int
    delta: str


class InputAudioTranscriptionCompleted(
    _ServerEvent, frozen=True, tag="conversation.item.input_audio_transcription.completed"
):
    """The whole transcript of a user item."""

    item_id: str
    content_index: int
    transcript: str
    usage: TranscriptionUsage


class TranscriptionError(Struct, frozen=True, kw_only=True):
    """Why there is no transcript."""

    type: str
    code: str
    message: str


class InputAudioTranscriptionFailed(
    _ServerEvent, frozen=True, tag="conversation.item.input_audio_transcription.failed"
):
    """A user item will have no transcript."""

    item_id: str
    content_index: int
    error: TranscriptionError


# ---- conversation ----------------------------------------------------------


class ConversationItemAdded(_ServerEvent, frozen=True, tag="conversation.item.added"):
    """`previous_item_id` null means that the item is the first one."""

    item: Item
    previous_item_id: str | None


class ConversationItemDone(_ServerEvent, frozen=True, tag="conversation.item.done"):
    """The item changes no more, unless it is truncated."""

    item: Item
    previous_item_id: str | None


class ConversationItemRetrieved(_ServerEvent, frozen=True, tag="conversation.item.retrieved"):
    """Answers `conversation.item.retrieve`."""

    item: Item


class ConversationItemDeleted(_ServerEvent, frozen=True, tag="conversation.item.deleted"):
    """Answers `conversation.item.delete`."""

    item_id: str


class ConversationItemTruncated(_ServerEvent, frozen=True, tag="conversation.item.truncated"):
    """Only the first `audio_end_ms` of the item count as said."""

    item_id: str
    content_index: int
    audio_end_ms: int


# ---- playing, where the server owns the playout clock ----------------------


class OutputAudioBufferStarted(_ServerEvent, frozen=True, tag="output_audio_buffer.started"):
    """The response can be heard from here on."""

    response_id: str


class OutputAudioBufferStopped(_ServerEvent, frozen=True, tag="output_audio_buffer.stopped"):
    """The response was played to its end."""

    response_id: str


class OutputAudioBufferCleared(_ServerEvent, frozen=True, tag="output_audio_buffer.cleared"):
    """The response was cut off."""

    response_id: str


ServerEvent = (
    Error
    | SessionCreated
    | SessionUpdated
    | RateLimitsUpdated
    | ConversationCreated
    | InputAudioBufferSpeechStarted
    | InputAudioBufferSpeechStopped
    | InputAudioBufferCommitted
    | InputAudioBufferCleared
    | InputAudioBufferTimeoutTriggered
    | InputAudioBufferDtmfEventReceived
    | InputAudioTranscriptionDelta
    | InputAudioTranscriptionCompleted
    | InputAudioTranscriptionFailed
    | ConversationItemAdded
    | ConversationItemDone
    | ConversationItemRetrieved
    | ConversationItemDeleted
    | ConversationItemTruncated
    | ResponseEvent
    | OutputAudioBufferStarted
    | OutputAudioBufferStopped
    | OutputAudioBufferCleared
    | McpEvent
)

_ENCODER = msgspec.json.Encoder()


def encode_server_event(event: ServerEvent) -> bytes:
    """The event's JSON text."""
    return _ENCODER.encode(event)
