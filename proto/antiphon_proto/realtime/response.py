"""The `response` object of response events, and what `response.create` asks for."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from antiphon_proto.realtime.audio_format import AudioFormat
from antiphon_proto.realtime.items import Item, ItemId
from antiphon_proto.realtime.prompt import Prompt
from antiphon_proto.realtime.session import MaxOutputTokens, Modalities, Reasoning

Metadata = Annotated[
    dict[Annotated[str, Meta(max_length=64)], Annotated[str, Meta(max_length=512)]],
    Meta(max_length=16),
]
MAX_INPUT_ITEMS = 1000
ResponseStatus = Literal["in_progress", "completed", "cancelled", "failed", "incomplete"]
StatusReason = Literal["turn_detected", "client_cancelled", "max_output_tokens", "content_filter"]


class CachedTokensDetails(Struct, frozen=True, kw_only=True):
    """Tokens whose computation was reused, by kind."""

    text_tokens: int = 0
    audio_tokens: int = 0
    image_tokens: int = 0


class InputTokenDetails(Struct, frozen=True, kw_only=True):
    """Tokens that the model read."""

    text_tokens: int
    audio_tokens: int
    image_tokens: int = 0
    cached_tokens: int = 0
    cached_tokens_details: CachedTokensDetails = CachedTokensDetails()


class OutputTokenDetails(Struct, frozen=True, kw_only=True):
    """Tokens that the model wrote."""

    text_tokens: int
    audio_tokens: int


class ResponseUsage(Struct, frozen=True, kw_only=True):
    """What a response cost."""

    total_tokens: int
    input_tokens: int
    output_tokens: int
    input_token_details: InputTokenDetails
    output_token_details: OutputTokenDetails


class StatusError(Struct, frozen=True, kw_only=True):
    """Why a response failed."""

    type: str
    code: str
    message: str


class StatusDetails(Struct, frozen=True, kw_only=True):
    """Why a response ended other than by completing."""

    type: Literal["cancelled", "failed", "incomplete"]
    reason: StatusReason | UnsetType = UNSET
    error: StatusError | UnsetType = UNSET


class ResponseAudioOutput(Struct, frozen=True, kw_only=True):
    """How a response sounds. `voice` is always a plain name."""

    format: AudioFormat
    voice: str


class ResponseAudio(Struct, frozen=True, kw_only=True):
    """How a response sounds."""

    output: ResponseAudioOutput


class Response(Struct, frozen=True, kw_only=True):
    """A response as it stands: `output` fills as items finish, `usage` comes with the end.

    `metadata` is what the client gave, and at the end the turn's latency beside it.
    """

    id: str
    status: ResponseStatus
    conversation_id: str | None
    """None: its items join no conversation."""
    output_modalities: Modalities
    max_output_tokens: MaxOutputTokens
    audio: ResponseAudio
    object: Literal["realtime.response"] = "realtime.response"
    status_details: StatusDetails | None = None
    output: list[Item] = []
    usage: ResponseUsage | None = None
    metadata: dict[str, str] | None = None


class ItemReference(Struct, frozen=True, kw_only=True, tag_field="type", tag="item_reference"):
    """An item that the session has already."""

    id: ItemId


ResponseInput = Annotated[list[Item | ItemReference], Meta(max_length=MAX_INPUT_ITEMS)]


class ResponseParams(Struct, frozen=True, kw_only=True):
    """What `response.create` sets for this response only, as JSON where the session has the same.

    What is absent or null is as the session says. `prompt` and `reasoning` are passed over, as
    the session's are.
    """

    instructions: str | None = None
    output_modalities: Modalities | None = None
    audio: Raw = Raw(b"null")
    tools: Raw = Raw(b"null")
    tool_choice: Raw = Raw(b"null")
    max_output_tokens: MaxOutputTokens | None = None
    parallel_tool_calls: bool | None = None
    metadata: Metadata | None = None
    conversation: str | None = None
    """"none": the answer joins no conversation."""
    input: ResponseInput | None = None
    """What to answer, instead of the conversation; empty: nothing but the instructions."""
    prompt: Prompt | None = None
    reasoning: Reasoning | None = None
    modalities: Raw = Raw(b"null")
    voice: Raw = Raw(b"null")
    output_audio_format: Raw = Raw(b"null")
    max_response_output_tokens: Raw = Raw(b"null")
    """The beta's, as those before it: read so that they can be refused."""
