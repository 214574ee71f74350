"""Plain integers that the trunks increment; `metrics.py` reads them at a scrape."""

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum

from antiphon_proto.trunk import DoneStatus, Usage
from inference.error_code import ErrorCode


class AudioDrop(Enum):
    """Why audio from a transceiver, or for it, went nowhere."""

    MALFORMED_BLOCK = "malformed_block"
    NO_SESSION = "no_session"
    OVERLAP = "overlap"
    """Samples that repeat a stretch of the input clock."""
    STALE_OUTPUT = "stale_output"
    """Output of a cancelled response, or live output that nobody fetched."""


class TokenKind(Enum):
    """As `response.done` tells them; cached ones are among the input's."""

    INPUT_TEXT = "input_text"
    INPUT_AUDIO = "input_audio"
    CACHED = "cached"
    OUTPUT_TEXT = "output_text"
    OUTPUT_AUDIO = "output_audio"


@dataclass(slots=True)
class TrunkCounters:
    opened: Counter[str] = field(default_factory=Counter)
    """Sessions, by engine."""
    closed: int = 0
    errors: Counter[ErrorCode] = field(default_factory=Counter)
    done: Counter[DoneStatus] = field(default_factory=Counter)
    tokens: Counter[TokenKind] = field(default_factory=Counter)
    messages_in: int = 0
    messages_out: int = 0
    audio_in_bytes: int = 0
    audio_out_bytes: int = 0
    dropped_bytes: Counter[AudioDrop] = field(default_factory=Counter)

    def count_tokens(self, usage: Usage) -> None:
        for kind in TokenKind:
            self.tokens[kind] += getattr(usage, f"{kind.value}_tokens")
