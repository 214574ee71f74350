"""What an engine reports of a session: one dataclass an event of `inference.proto`.

Times named `_ms` are on the session's input audio clock.
"""

from dataclasses import dataclass
from enum import Enum

from antiphon_proto.trunk.items import FunctionCall

UNSOLICITED = 0
"""The response that full-duplex audio belongs to: nobody asked for it, and it never ends."""


@dataclass(frozen=True, slots=True)
class Ready:
    """Rates are samples a second of the session's audio, up and down."""

    engine: str
    input_rate: int
    output_rate: int
    full_duplex: bool
    judges_interruptions: bool = False
    """FloorTaken or SpeechDismissed follows SpeechStarted while an answer plays."""


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """`audio_start_ms` includes the prefix padding."""

    audio_start_ms: int


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """`audio_end_ms` includes the silence that was waited for."""

    audio_end_ms: int


@dataclass(frozen=True, slots=True)
class FloorTaken:
    """The speech that goes on is meant to interrupt: the answer that plays is over."""


@dataclass(frozen=True, slots=True)
class SpeechDismissed:
    """The speech that began is no turn: nothing is committed, and a held answer goes on."""

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
class WordEnd:
    text_end: int
    """Characters of the response's text up to the end of the word."""
    audio_end_ms: int
    """Milliseconds of the response's audio up to there."""


@dataclass(frozen=True, slots=True)
class WordsSpoken:
    """Where words of a response lie in its audio; later ones follow earlier ones."""

    response: int
    words: tuple[WordEnd, ...]


@dataclass(frozen=True, slots=True)
class ResponseProposed:
    """A full-duplex engine has something to say unasked, and waits for Respond."""


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """More of the arguments of a call, which ToolCall tells whole at its end."""

    response: int
    call_id: str
    name: str
    arguments_json: str


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
class Error:
    """`code` is stable, lower_snake_case; after a fatal one the session is over."""

    code: str
    message: str
    fatal: bool = False


Event = (
    Ready
    | SpeechStarted
    | SpeechStopped
    | FloorTaken
    | SpeechDismissed
    | TurnEnded
    | InputTranscript
    | ResponseStarted
    | TextDelta
    | WordsSpoken
    | ResponseProposed
    | ToolCallDelta
    | ToolCall
    | Done
    | Draining
    | Error
)
