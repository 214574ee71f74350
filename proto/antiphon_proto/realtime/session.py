"""A session's configuration: what `session.created` and `session.updated` show.

https://platform.openai.com/docs/api-reference/realtime-sessions
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Raw, Struct

from antiphon_proto.realtime.audio_format import AudioFormat, Pcm
from antiphon_proto.realtime.error import RealtimeError
from antiphon_proto.realtime.json_decoding import decode, join_path

DEFAULT_MODEL = "antiphon"
DEFAULT_VOICE = "alloy"
DEFAULT_INSTRUCTIONS = (
    "You are a helpful voice assistant. Answer briefly, in the language you are spoken to."
)
MAX_TOOLS = 128
MAX_MILLISECONDS = 60_000

Milliseconds = Annotated[int, Meta(ge=0, le=MAX_MILLISECONDS)]
Modalities = Annotated[list[Literal["text", "audio"]], Meta(min_length=1, max_length=1)]
"""`["audio"]`, which implies its transcript, or `["text"]`; the API takes no mixture."""

MaxOutputTokens = Annotated[int, Meta(ge=1, le=2**31 - 1)] | Literal["inf"]


class ServerVad(Struct, frozen=True, kw_only=True, tag_field="type", tag="server_vad"):
    """A turn ends with `silence_duration_ms` of silence."""

    threshold: Annotated[float, Meta(ge=0, le=1)] = 0.5
    prefix_padding_ms: Milliseconds = 300
    silence_duration_ms: Milliseconds = 500
    idle_timeout_ms: Milliseconds | None = None
    create_response: bool = True
    interrupt_response: bool = True


class SemanticVad(Struct, frozen=True, kw_only=True, tag_field="type", tag="semantic_vad"):
    """A turn ends when what was said sounds finished."""

    eagerness: Literal["low", "medium", "high", "auto"] = "auto"
    create_response: bool = True
    interrupt_response: bool = True


TurnDetection = ServerVad | SemanticVad


class Transcription(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Wish for transcripts of the user's speech. Any model name is accepted."""

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
    description: str = ""
    parameters: Raw = Raw(b"{}")


class FunctionChoice(Struct, frozen=True, kw_only=True, tag_field="type", tag="function"):
    """The model must call this function."""

    name: str


Tools = Annotated[list[FunctionTool], Meta(max_length=MAX_TOOLS)]
ToolChoice = Literal["auto", "none", "required"] | FunctionChoice


class RealtimeSession(Struct, frozen=True, kw_only=True):
    """The whole effective configuration. Members that are None are sent as null.

    `id` (`sess_...`) and `expires_at` (unix seconds) are the server's to set.
    `prompt`, `reasoning`, `tracing`, `truncation` and `include` are accepted and
    shown, as the client wrote them, so that official clients connect unchanged.
    """

    type: Literal["realtime"] = "realtime"
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
    truncation: Raw = Raw(b'"auto"')
    prompt: Raw | None = None
    reasoning: Raw | None = None
    tracing: Raw | None = None
    include: Raw | None = None

    @property
    def text_only(self) -> bool:
        return self.output_modalities == ["text"]

    def merged(self, patch: bytes | str, *, param: str = "session") -> "RealtimeSession":
        """This configuration with the JSON object `patch` laid over it.

        - A member that is absent keeps its value; so does one that is null, except
          for those that null switches off: turn detection, transcription, noise
          reduction, and the opaque ones.
        - `""` clears the instructions and `[]` the tools, as values like any other.
        - Configuration objects merge member by member, unless `type` changes: then
          the object given replaces the other, and what it leaves out takes defaults.
        - `id`, `object` and `expires_at` belong to the server and are left alone.
        - A voice given as `{"id": ...}` becomes that id.

        Raises RealtimeError with a `param` that starts with `param`.
        """
        changes = _members(patch, param)
        _refuse_beta_members(changes, param)
        for name in _SERVER_MEMBERS:
            changes.pop(name, None)
        merged = _merge_objects(msgspec.json.encode(self), changes, "", param)
        return decode(_SESSION, merged, param=param)  # type: ignore[no-any-return]


def parse_session(text: bytes | str) -> RealtimeSession:
    """A stored configuration, as `msgspec.json.encode` wrote it. Raises RealtimeError."""
    return decode(_SESSION, text, param="session")  # type: ignore[no-any-return]


_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_SESSION = msgspec.json.Decoder(RealtimeSession)

_ABSENT = b""
_SERVER_MEMBERS = ("id", "object", "expires_at")
_NESTED = frozenset(
    {
        "audio",
        "audio.input",
        "audio.input.format",
        "audio.input.transcription",
        "audio.input.noise_reduction",
        "audio.input.turn_detection",
        "audio.output",
        "audio.output.format",
    }
)
_NULLABLE = frozenset(
    {
        "audio.input.transcription",
        "audio.input.noise_reduction",
        "audio.input.turn_detection",
        "audio.input.turn_detection.idle_timeout_ms",
        "prompt",
        "reasoning",
        "tracing",
        "include",
    }
)
_BETA_MEMBERS = {
    "modalities": "output_modalities",
    "voice": "audio.output.voice",
    "turn_detection": "audio.input.turn_detection",
    "input_audio_format": "audio.input.format",
    "output_audio_format": "audio.output.format",
    "input_audio_transcription": "audio.input.transcription",
    "input_audio_noise_reduction": "audio.input.noise_reduction",
    "max_response_output_tokens": "max_output_tokens",
}


def _refuse_beta_members(changes: dict[str, bytes], param: str) -> None:
    """The beta interface was flat; passing over its members would lose what was meant."""
    for name in changes.keys() & _BETA_MEMBERS.keys():
        raise RealtimeError(
            "unknown_parameter",
            f"{name!r} belongs to the beta interface; use {_BETA_MEMBERS[name]!r}.",
            param=join_path(param, name),
        )


def _merge_objects(current: bytes, changes: dict[str, bytes], path: str, param: str) -> bytes:
    members = _members(current, param)
    if "type" in changes and changes["type"] != members.get("type"):
        return _object(changes)
    for name, value in changes.items():
        members[name] = _merge_member(
            members.get(name, _ABSENT), value, join_path(path, name), param
        )
    return _object(members)


def _merge_member(current: bytes, value: bytes, path: str, param: str) -> bytes:
    if value == b"null" and path not in _NULLABLE:
        return current
    if not value.startswith(b"{"):
        return value
    if path == "audio.output.voice":
        return _members(value, join_path(param, path)).get("id", value)
    if path in _NESTED and current.startswith(b"{"):
        return _merge_objects(current, _members(value, join_path(param, path)), path, param)
    return value


def _members(text: bytes | str, param: str) -> dict[str, bytes]:
    """A JSON object's members, each as its text. Raises RealtimeError."""
    return {name: bytes(value) for name, value in decode(_OBJECT, text, param=param).items()}


def _object(members: dict[str, bytes]) -> bytes:
    return msgspec.json.encode(
        {name: Raw(value) for name, value in members.items() if value != _ABSENT}
    )
