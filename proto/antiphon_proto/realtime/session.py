"""A session's configuration: what `session.created` and `session.updated` show.

https://platform.openai.com/docs/api-reference/realtime-sessions
"""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from antiphon_proto.realtime.audio_format import AudioFormat, Pcm
from antiphon_proto.realtime.error import RealtimeError
from antiphon_proto.realtime.json_decoding import decode
from antiphon_proto.realtime.mcp import McpChoice, McpTool
from antiphon_proto.realtime.prompt import Prompt
from antiphon_proto.realtime.resume import Resume
from antiphon_proto.realtime.session_patch import apply_patch

DEFAULT_MODEL = "antiphon"
DEFAULT_VOICE = "alloy"
DEFAULT_INSTRUCTIONS = (
    "You are a helpful voice assistant. Answer briefly, in the language you are spoken to."
)
MAX_TOOLS = 128
MAX_MILLISECONDS = 60_000
MAX_PREFIX_PADDING_MS = 5_000

Milliseconds = Annotated[int, Meta(ge=0, le=MAX_MILLISECONDS)]
PrefixPadding = Annotated[int, Meta(ge=0, le=MAX_PREFIX_PADDING_MS)]
IdleTimeout = Annotated[int, Meta(ge=1_000, le=MAX_MILLISECONDS)]
SessionType = Literal["realtime", "transcription"]
Modalities = Annotated[list[Literal["text", "audio"]], Meta(min_length=1, max_length=1)]
"""`["audio"]`, which implies its transcript, or `["text"]`; the API takes no mixture."""

MaxOutputTokens = Annotated[int, Meta(ge=1, le=2**31 - 1)] | Literal["inf"]


class ServerVad(Struct, frozen=True, kw_only=True, tag_field="type", tag="server_vad"):
    """A turn ends with `silence_duration_ms` of silence.

    After `idle_timeout_ms` of silence behind an answer the agent speaks again.
    """

    threshold: Annotated[float, Meta(ge=0, le=1)] = 0.5
    prefix_padding_ms: PrefixPadding = 300
    silence_duration_ms: Milliseconds = 500
    idle_timeout_ms: IdleTimeout | None = None
    create_response: bool = True
    interrupt_response: bool = True


class SemanticVad(Struct, frozen=True, kw_only=True, tag_field="type", tag="semantic_vad"):
    """A turn ends when what was said sounds finished."""

    eagerness: Literal["low", "medium", "high", "auto"] = "auto"
    create_response: bool = True
    interrupt_response: bool = True


TurnDetection = ServerVad | SemanticVad


class Transcription(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Wish for transcripts of the user's speech. Any model name is accepted, and so is `delay`."""

    model: str | None = None
    language: str | None = None
    languages: list[str] | None = None
    prompt: str | None = None
    keywords: list[str] | None = None
    delay: str | None = None


class NoiseReduction(Struct, frozen=True, kw_only=True):
    """Accepted and shown; browsers have reduced the noise already."""

    type: Literal["near_field", "far_field"] = "near_field"
    strength: float = 1.0


class AudioInput(Struct, frozen=True, kw_only=True):
    """`turn_detection` None: the client commits its turns and asks for responses itself."""

    format: AudioFormat = Pcm()
    transcription: Transcription | None = None
    noise_reduction: NoiseReduction | None = None
    turn_detection: TurnDetection | None = ServerVad()


class AudioOutput(Struct, frozen=True, kw_only=True):
    """Any voice name is accepted; an engine takes its own where it has no such voice."""

    format: AudioFormat = Pcm()
    voice: str = DEFAULT_VOICE
    speed: Annotated[float, Meta(ge=0.25, le=1.5)] = 1.0


class SessionAudio(Struct, frozen=True, kw_only=True):
    """Both directions, seen from the server."""

    input: AudioInput = AudioInput()
    output: AudioOutput = AudioOutput()


class FunctionTool(Struct, frozen=True, kw_only=True, tag_field="type", tag="function"):
    """`parameters` is a JSON Schema, kept as the client wrote it."""

    name: Annotated[str, Meta(min_length=1, max_length=128)]
    description: str | None = ""
    parameters: Raw = Raw(b"{}")


class FunctionChoice(Struct, frozen=True, kw_only=True, tag_field="type", tag="function"):
    """The model must call this function."""

    name: str


class TokenLimits(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`post_instructions`: tokens of the conversation, behind instructions and tools."""

    post_instructions: Annotated[int, Meta(ge=1)] | None = None


class RetentionRatio(
    Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="retention_ratio"
):
    """Of a conversation that became too long, keep so much of what it may be."""

    retention_ratio: Annotated[float, Meta(ge=0, le=1)]
    token_limits: TokenLimits | None = None


class Tracing(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Accepted and shown; nothing is traced for clients."""

    workflow_name: str | None = None
    group_id: str | None = None
    metadata: Raw | UnsetType = UNSET


class Reasoning(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Accepted and shown."""

    effort: str | None = None


Truncation = Literal["auto", "disabled"] | RetentionRatio
Include = list[Literal["item.input_audio_transcription.logprobs"]]
Tools = Annotated[list[FunctionTool | McpTool], Meta(max_length=MAX_TOOLS)]
ToolChoice = Literal["auto", "none", "required"] | FunctionChoice | McpChoice


class RealtimeSession(Struct, frozen=True, kw_only=True):
    """The whole effective configuration. Members that are None are sent as null.

    `id` (`sess_...`), `expires_at` (unix seconds) and `resume` are the server's to set.
    `prompt`, `reasoning`, `tracing` and `include` are accepted and shown only,
    so that official clients connect unchanged. A session that only transcribes is
    one of these too; clients see it as `transcription_session` shows it.
    """

    type: SessionType = "realtime"
    object: Literal["realtime.session"] = "realtime.session"
    id: str = ""
    model: Annotated[str, Meta(max_length=256)] = DEFAULT_MODEL
    expires_at: int | None = None
    output_modalities: Modalities = msgspec.field(default_factory=lambda: ["audio"])
    instructions: str = DEFAULT_INSTRUCTIONS
    audio: SessionAudio = SessionAudio()
    tools: Tools = []
    tool_choice: ToolChoice = "auto"
    parallel_tool_calls: bool = True
    max_output_tokens: MaxOutputTokens = "inf"
    truncation: Truncation = "auto"
    prompt: Prompt | None = None
    reasoning: Reasoning | None = None
    tracing: Literal["auto"] | Tracing | None = None
    include: Include | None = None
    resume: Resume | UnsetType = UNSET

    @classmethod
    def of_type(cls, type_: SessionType) -> "RealtimeSession":
        """The defaults of a session of this type."""
        return _TRANSCRIBING if type_ == "transcription" else cls()

    @property
    def text_only(self) -> bool:
        return self.output_modalities == ["text"]

    @property
    def without_secrets(self) -> "RealtimeSession":
        """The configuration as it may be shown or kept."""
        if not any(isinstance(tool, McpTool) for tool in self.tools):
            return self
        tools = [tool.without_secrets if isinstance(tool, McpTool) else tool for tool in self.tools]
        return msgspec.structs.replace(self, tools=tools)

    def merged(self, patch: bytes | str, *, param: str = "session") -> "RealtimeSession":
        """This configuration with the JSON object `patch` laid over it, see `session_patch`.

        `id`, `object`, `expires_at` and `resume` belong to the server and are left alone.
        Raises RealtimeError with a `param` that starts with `param`.
        """
        merged = apply_patch(msgspec.json.encode(self), patch, param)
        session = decode(_SESSION, merged, param=param)
        return _transcribing(session, param) if session.type == "transcription" else session


def parse_session(text: bytes | str) -> RealtimeSession:
    """A stored configuration, as `msgspec.json.encode` wrote it. Raises RealtimeError."""
    return decode(_SESSION, text, param="session")


def _transcribing(session: RealtimeSession, param: str) -> RealtimeSession:
    """The session without what would make an agent speak. Raises RealtimeError."""
    audio = session.audio
    if audio.input.transcription is None:
        raise RealtimeError(
            "invalid_value",
            "A transcription session always transcribes.",
            param=f"{param}.audio.input.transcription",
        )
    detection = audio.input.turn_detection
    if detection is not None:
        detection = msgspec.structs.replace(
            detection, create_response=False, interrupt_response=False
        )
    if isinstance(detection, ServerVad):
        detection = msgspec.structs.replace(detection, idle_timeout_ms=None)
    heard = msgspec.structs.replace(audio.input, turn_detection=detection)
    return msgspec.structs.replace(
        session, audio=msgspec.structs.replace(audio, input=heard), output_modalities=["text"]
    )


_SESSION = msgspec.json.Decoder(RealtimeSession)
_TRANSCRIBING = _transcribing(
    RealtimeSession(
        type="transcription",
        instructions="",
        audio=SessionAudio(input=AudioInput(transcription=Transcription(model=DEFAULT_MODEL))),
    ),
    "session",
)
