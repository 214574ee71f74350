"""Events about responses that the server sends.

https://platform.openai.com/docs/api-reference/realtime-server-events/response
"""

from msgspec import Struct

from antiphon_proto.realtime.items import Item
from antiphon_proto.realtime.response import Response


class _Event(Struct, frozen=True, kw_only=True, tag_field="type"):
    event_id: str = ""


class ResponseCreated(_Event, frozen=True, tag="response.created"):
    """Generation began."""

    response: Response


class ResponseDone(_Event, frozen=True, tag="response.done"):
    """Generation ended, well or not; playing may go on."""

    response: Response


class ResponseOutputItemAdded(_Event, frozen=True, tag="response.output_item.added"):
    """Item number `output_index` of the response begins."""

    response_id: str
    output_index: int
    item: Item


class ResponseOutputItemDone(_Event, frozen=True, tag="response.output_item.done"):
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


class _ContentEvent(_Event, frozen=True):
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


class _FunctionCallEvent(_Event, frozen=True):
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


ResponseEvent = (
    ResponseCreated
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
)
