"""How a session listens and answers."""

from dataclasses import dataclass
from enum import Enum

DEFAULT_THRESHOLD = 0.5
DEFAULT_PREFIX_PADDING_MS = 300
MAX_PREFIX_PADDING_MS = 5000
DEFAULT_SILENCE_DURATION_MS = 500
DEFAULT_OUTPUT_CREDIT_MS = 200


class TurnDetectionKind(Enum):
    SERVER_VAD = "server_vad"
    SEMANTIC_VAD = "semantic_vad"


class Eagerness(Enum):
    """How soon a semantic detector takes a pause for the end of a turn."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class TurnDetection:
    """When the user's speech makes a turn."""

    kind: TurnDetectionKind = TurnDetectionKind.SERVER_VAD
    threshold: float = DEFAULT_THRESHOLD
    """Probability of speech from which audio counts as voiced."""
    prefix_padding_ms: int = DEFAULT_PREFIX_PADDING_MS
    silence_duration_ms: int = DEFAULT_SILENCE_DURATION_MS
    eagerness: Eagerness = Eagerness.MEDIUM


@dataclass(frozen=True, slots=True)
class Transcription:
    """The user's speech is wanted as text."""

    language: str = ""
    prompt: str = ""


@dataclass(frozen=True, slots=True)
class Tool:
    name: str
    description: str
    parameters_json: str
    """JSON Schema, as text."""


@dataclass(frozen=True, slots=True)
class SessionConfig:
    instructions: str = ""
    voice: str = ""
    turn_detection: TurnDetection | None = None
    """None: the client commits its turns itself."""
    transcription: Transcription | None = None
    """None: nobody asked for the user's words."""
    text_only: bool = False
    tools: tuple[Tool, ...] = ()
    tool_choice: str = "auto"
    """"auto", "none", "required" or a function's name."""
    max_output_tokens: int = 0
    """0: no limit."""
    output_credit_ms: int = DEFAULT_OUTPUT_CREDIT_MS
    """Output that may leave the replica ahead of what was played."""
