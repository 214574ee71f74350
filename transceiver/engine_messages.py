"""What goes over the trunk for one session: commands up, events down.

One dataclass a kind of `inference.proto`, without the session's number and the
order among audio frames, which the trunk adds and removes.
"""

from dataclasses import dataclass
from enum import Enum

# ---- configuration and items -----------------------------------------------


class TurnDetectionKind(Enum):
    SERVER_VAD = "server_vad"
    SEMANTIC_VAD = "semantic_vad"


class Eagerness(Enum):
    """How soon semantic detection believes that a turn has ended."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class TurnDetection:
    """`threshold`, `prefix_padding_ms` and `silence_duration_ms` are for SERVER_VAD,
    `eagerness` is for SEMANTIC_VAD."""

    kind: TurnDetectionKind
    threshold: float
    prefix_padding_ms: int
    silence_duration_ms: int
    create_response: bool
    eagerness: Eagerness


@dataclass(frozen=True, slots=True)
class Transcription:
    """Empty members: the engine's own choice."""

    model: str
    language: str
    prompt: str


@dataclass(frozen=True, slots=True)
class Tool:
    """`parameters_json` is a JSON Schema."""

    name: str
    description: str
    parameters_json: str


@dataclass(frozen=True, slots=True)
class SessionConfig:
    """All that an engine is told about how to listen and to answer."""

    instructions: str
    voice: str
    turn_detection: TurnDetection | None
    """None: the client commits its turns itself."""
    transcription: Transcription | None
    """None: no transcript of the user's speech is wanted."""
    text_only: bool
    tools: tuple[Tool, ...]
    tool_choice: str
    """"auto", "none", "required" or a function's name."""
    max_output_tokens: int
    """0: no limit."""
    output_credit_ms: int
    """Audio ahead of what was played that the engine may send."""


class Role(Enum):
    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class FunctionCall:
    call_id: str
    name: str
    arguments_json: str


@dataclass(frozen=True, slots=True)
class FunctionCallOutput:
    call_id: str
    output: str


@dataclass(frozen=True, slots=True)
class Item:
    """A conversation item, as much of it as an engine needs: its text, or a call of a tool."""

    id: str
    role: Role
    content: str | FunctionCall | FunctionCallOutput


# ---- up: commands ----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenCommand:
    """The first command of a session; answered by EngineReady or a fatal EngineError."""

    call_id: str
    model: str
    config: SessionConfig
    history: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Update:
    """Replaces the configuration."""

    config: SessionConfig


@dataclass(frozen=True, slots=True)
class Commit:
    """What was heard since the last commit becomes `item_id`."""

    item_id: str


@dataclass(frozen=True, slots=True)
class ClearInput:
    """Forget what was heard since the last commit."""


@dataclass(frozen=True, slots=True)
class Respond:
    """Start response number `response`, whose message becomes `item_id`."""

    response: int
    item_id: str
    instructions: str = ""
    """Empty: the session's own."""
    text_only: bool | None = None
    """None: as the session says."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop `response`, of which `played_ms` were heard; also sent when only playing is left."""

    response: int
    played_ms: int


@dataclass(frozen=True, slots=True)
class ItemCreate:
    item: Item
    previous_item_id: str = ""
    """Empty: at the end. "root": at the start."""


@dataclass(frozen=True, slots=True)
class ItemTruncate:
    item_id: str
    audio_end_ms: int


@dataclass(frozen=True, slots=True)
class ItemDelete:
    item_id: str


@dataclass(frozen=True, slots=True)
class PlaybackCredit:
    """`played_ms` of `response` have left the playout buffer."""

    response: int
    played_ms: int


@dataclass(frozen=True, slots=True)
class Close:
    """`reason` is a CloseReason's value."""

    reason: str


EngineCommand = (
    OpenCommand
    | Update
    | Commit
    | ClearInput
    | Respond
    | Cancel
    | ItemCreate
    | ItemTruncate
    | ItemDelete
    | PlaybackCredit
    | Close
)


# ---- down: events ----------------------------------------------------------
# Times named `_ms` are on the session's input audio clock.


@dataclass(frozen=True, slots=True)
class EngineReady:
    """Rates are samples a second of the session's audio, up and down."""

    engine: str
    input_rate: int
    output_rate: int
    full_duplex: bool


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """`audio_start_ms` includes the prefix padding."""

    audio_start_ms: int


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """`audio_end_ms` includes the silence that was waited for."""

    audio_end_ms: int


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """Speech since the last commit makes a whole turn; its last voiced sample was here."""

    voiced_end_ms: int


@dataclass(frozen=True, slots=True)
class InputTranscript:
    """The transcript so far, or the final one; `error` is set when recognition failed."""

    item_id: str
    """The committed item; empty while the turn has not been committed."""
    text: str
    final: bool
    error: str = ""


@dataclass(frozen=True, slots=True)
class ResponseStarted:
    response: int


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More of the answer's text: what is spoken, where the response has audio."""

    response: int
    text: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    response: int
    call: FunctionCall


class DoneStatus(Enum):
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    INCOMPLETE = "incomplete"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens; `cached_tokens` are among the input ones."""

    input_text_tokens: int = 0
    input_audio_tokens: int = 0
    cached_tokens: int = 0
    output_text_tokens: int = 0
    output_audio_tokens: int = 0


class Stage(Enum):
    """Stages of a turn, in the order in which an engine that does not anticipate reaches them."""

    TURN_ENDED = "turn_ended"
    TRANSCRIPT_FINAL = "transcript_final"
    RESPOND = "respond"
    FIRST_TEXT = "first_text"
    FIRST_AUDIO = "first_audio"


@dataclass(frozen=True, slots=True)
class StageTime:
    """Microseconds after the frame with the turn's last voiced sample reached the engine."""

    stage: Stage
    after_voiced_end_us: int


@dataclass(frozen=True, slots=True)
class Done:
    """A response ended; `reason` is for INCOMPLETE and FAILED."""

    response: int
    status: DoneStatus
    reason: str = ""
    usage: Usage = Usage()
    stages: tuple[StageTime, ...] = ()


@dataclass(frozen=True, slots=True)
class Draining:
    """The replica wants this session gone within `deadline_ms`."""

    deadline_ms: int


@dataclass(frozen=True, slots=True)
class EngineError:
    """`code` is stable, lower_snake_case; after a fatal one the session is over."""

    code: str
    message: str
    fatal: bool


EngineEvent = (
    EngineReady
    | SpeechStarted
    | SpeechStopped
    | TurnEnded
    | InputTranscript
    | ResponseStarted
    | TextDelta
    | ToolCall
    | Done
    | Draining
    | EngineError
)
