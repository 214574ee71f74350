"""How a session listens and answers: what an engine is told of it."""

from dataclasses import dataclass
from enum import Enum

DEFAULT_THRESHOLD = 0.5
DEFAULT_PREFIX_PADDING_MS = 300
MAX_PREFIX_PADDING_MS = 5000
DEFAULT_SILENCE_DURATION_MS = 500
DEFAULT_OUTPUT_CREDIT_MS = 200
MIN_SPEED, MAX_SPEED = 0.25, 1.5


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

    kind: TurnDetectionKind = TurnDetectionKind.SERVER_VAD
    threshold: float = DEFAULT_THRESHOLD
    """Probability of speech from which audio counts as voiced."""
    prefix_padding_ms: int = DEFAULT_PREFIX_PADDING_MS
    silence_duration_ms: int = DEFAULT_SILENCE_DURATION_MS
    create_response: bool = True
    """Whether a turn that ends will be answered: an engine may prepare for it."""
    eagerness: Eagerness = Eagerness.MEDIUM


@dataclass(frozen=True, slots=True)
class Transcription:
    """Empty members: the engine's own choice."""

    model: str = ""
    language: str = ""
    prompt: str = ""


@dataclass(frozen=True, slots=True)
class Tool:
    """`parameters_json` is a JSON Schema."""

    name: str
    description: str
    parameters_json: str


@dataclass(frozen=True, slots=True)
class Truncation:
    """What becomes of a conversation that is too long for the model: its beginning is forgotten."""

    disabled: bool = False
    """The response fails instead."""
    retention_ratio: float = 0.0
    """How much of what it may be is kept of it; 0: as the engine likes."""
    max_tokens: int = 0
    """What is too long, without instructions and tools; 0: what the model does not take."""


@dataclass(frozen=True, slots=True)
class SessionConfig:
    """All that an engine is told about how to listen and to answer."""

    instructions: str = ""
    voice: str = ""
    turn_detection: TurnDetection | None = None
    """None: the client commits its turns itself."""
    transcription: Transcription | None = None
    """None: no transcript of the user's speech is wanted."""
    text_only: bool = False
    tools: tuple[Tool, ...] = ()
    tool_choice: str = "auto"
    """"auto", "none", "required" or a function's name."""
    max_output_tokens: int = 0
    """0: no limit."""
    output_credit_ms: int = DEFAULT_OUTPUT_CREDIT_MS
    """Audio ahead of what was played that the engine may send."""
    speed: float = 1.0
    """How fast the voice speaks, times its usual speed."""
    parallel_tool_calls: bool = True
    """Whether one answer may call more than one tool."""
    truncation: Truncation = Truncation()
