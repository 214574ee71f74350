"""What an engine reports: one dataclass an event of the trunk, and audio.

Times named `_ms` are on the session's input audio clock.
"""

from dataclasses import dataclass
from enum import Enum

from inference.error_code import ErrorCode
from inference.items import FunctionCall

UNSOLICITED = 0
"""The response that full-duplex audio belongs to: nobody asked for it, and it never ends."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The session takes audio, at these sample rates."""

    engine: str
    input_rate: int
    output_rate: int
    full_duplex: bool


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    audio_start_ms: int
    """Includes the prefix padding."""


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    audio_end_ms: int
    """Includes the silence that ended the turn."""


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """Speech since the last commit makes a whole turn: the transceiver commits it."""

    voiced_end_ms: int


@dataclass(frozen=True, slots=True)
class InputTranscript:
    item_id: str
    """Empty while the turn has not been committed."""
    text: str
    final: bool
    error: str = ""


@dataclass(frozen=True, slots=True)
class ResponseStarted:
    response: int


@dataclass(frozen=True, slots=True)
class TextDelta:
    response: int
    text: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    response: int
    call: FunctionCall


@dataclass(frozen=True, slots=True)
class Audio:
    """Samples of a response at the session's output rate, behind those given before."""

    response: int
    pcm: bytes


class DoneStatus(Enum):
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    INCOMPLETE = "incomplete"
    FAILED = "failed"


class Stage(Enum):
    """Points that a turn passes on its way to an answer."""

    TURN_ENDED = "turn_ended"
    TRANSCRIPT_FINAL = "transcript_final"
    RESPOND = "respond"
    FIRST_TEXT = "first_text"
    FIRST_AUDIO = "first_audio"


@dataclass(frozen=True, slots=True)
class StageTime:
    stage: Stage
    after_voiced_end_us: int
    """Counted from the arrival of the frame that held the turn's last voiced sample."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, counted as the Realtime API counts them."""

    input_text_tokens: int = 0
    input_audio_tokens: int = 0
    cached_tokens: int = 0
    output_text_tokens: int = 0
    output_audio_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Done:
    """Nothing of the response follows."""

    response: int
    status: DoneStatus
    reason: str = ""
    usage: Usage = Usage()
    stages: tuple[StageTime, ...] = ()


@dataclass(frozen=True, slots=True)
class Draining:
    deadline_ms: int


@dataclass(frozen=True, slots=True)
class Error:
    code: ErrorCode
    message: str
    fatal: bool = False
    """The session is over."""


ResponseEvent = ResponseStarted | TextDelta | ToolCall | Done
Event = (
    Ready
    | SpeechStarted
    | SpeechStopped
    | TurnEnded
    | InputTranscript
    | ResponseEvent
    | Draining
    | Error
)
EngineOutput = Event | Audio
