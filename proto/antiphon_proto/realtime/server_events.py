"""Events that the server sends.

`event_id` may be left empty when an event is made; whoever sends it fills it in.

https://platform.openai.com/docs/api-reference/realtime-server-events
"""

from typing import Literal

import msgspec
from msgspec import Struct

from antiphon_proto.realtime.items import Item
from antiphon_proto.realtime.mcp_events import McpEvent
from antiphon_proto.realtime.response import Response
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


# ---- responses -------------------------------------------------------------


class ResponseCreated(_ServerEvent, frozen=True, tag="response.created"):
    """Generation began."""

    response: Response


class ResponseDone(_ServerEvent, frozen=True, tag="response.done"):
    """Generation ended, well or not; playing may go on."""

    response: Response


class ResponseOutputItemAdded(_ServerEvent, frozen=True, tag="response.output_item.added"):
    """Item number `output_index` of the response begins."""

    response_id: str
    output_index: int
    item: Item


class ResponseOutputItemDone(_ServerEvent, frozen=True, tag="response.output_item.done"):
    """A finished `function_call` in it is the client's to run."""

    response_id: str
    output_index: int
    item: Item


class TextPart(Struct, frozen=True, kw_only=True, tag_field="type", tag="text"):
    """Written content. Parts of events are not named like the content of items."""

    text: str


class AudioPart(Struct, frozen=True, kw_only=True, tag_field="type", tag="audio"):
    """Spoken content."""

    transcript: str


Part = TextPart | AudioPart


class _ContentEvent(_ServerEvent, frozen=True):
    response_id: str
    item_id: str
    output_index: int
    content_index: int


class ResponseContentPartAdded(_ContentEvent, frozen=True, tag="response.content_part.added"):
    """A message's content begins."""

    part: Part


class ResponseContentPartDone(_ContentEvent, frozen=True, tag="response.content_part.done"):
    """A message's content is whole, or as much as there will be."""

    part: Part


class ResponseOutputTextDelta(_ContentEvent, frozen=True, tag="response.output_text.delta"):
    """What the text gained."""

    delta: str


class ResponseOutputTextDone(_ContentEvent, frozen=True, tag="response.output_text.done"):
    """The whole text."""

    text: str


class ResponseOutputAudioTranscriptDelta(
    _ContentEvent, frozen=True, tag="response.output_audio_transcript.delta"
):
    """What the transcript gained; it runs ahead of the audio."""

    delta: str


class ResponseOutputAudioTranscriptDone(
    _ContentEvent, frozen=True, tag="response.output_audio_transcript.done"
):
    """The whole transcript."""

    transcript: str


class ResponseOutputAudioDelta(_ContentEvent, frozen=True, tag="response.output_audio.delta"):
    """Base64 of more audio, where audio has no track of its own."""

    delta: str


class ResponseOutputAudioDone(_ContentEvent, frozen=True, tag="response.output_audio.done"):
    """No more audio will be generated."""


class _FunctionCallEvent(_ServerEvent, frozen=True):
    response_id: str
    item_id: str
    output_index: int
    call_id: str


class ResponseFunctionCallArgumentsDelta(
    _FunctionCallEvent, frozen=True, tag="response.function_call_arguments.delta"
):
    """What the arguments gained."""

    delta: str


class ResponseFunctionCallArgumentsDone(
    _FunctionCallEvent, frozen=True, tag="response.function_call_arguments.done"
):
    """The whole arguments, JSON text."""

    name: str
    arguments: str


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
    | InputAudioBufferSpeechStarted
    | InputAudioBufferSpeechStopped
    | InputAudioBufferCommitted
    | InputAudioBufferCleared
    | InputAudioBufferTimeoutTriggered
    | InputAudioTranscriptionDelta
    | InputAudioTranscriptionCompleted
    | InputAudioTranscriptionFailed
    | ConversationItemAdded
    | ConversationItemDone
    | ConversationItemRetrieved
    | ConversationItemDeleted
    | ConversationItemTruncated
    | ResponseCreated
    | ResponseDone
    | ResponseOutputItemAdded
    | ResponseOutputItemDone
    | ResponseContentPartAdded
    | ResponseContentPartDone
    | ResponseOutputTextDelta
    | ResponseOutputTextDone
    | ResponseOutputAudioTranscriptDelta
    | ResponseOutputAudioTranscriptDone
    | ResponseOutputAudioDelta
    | ResponseOutputAudioDone
    | ResponseFunctionCallArgumentsDelta
    | ResponseFunctionCallArgumentsDone
    | OutputAudioBufferStarted
    | OutputAudioBufferStopped
    | OutputAudioBufferCleared
    | McpEvent
)

_ENCODER = msgspec.json.Encoder()


def encode_server_event(event: ServerEvent) -> bytes:
    """The event's JSON text."""
    return _ENCODER.encode(event)
