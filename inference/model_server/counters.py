"""Plain integers about model servers; `metrics.py` reads them at a scrape."""

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum


class ServerKind(Enum):
    LLM = "llm"
    ASR = "asr"
    TTS = "tts"


class Outcome(Enum):
    """How a try ended: the label of a metric."""

    ANSWERED = "answered"
    ABANDONED = "abandoned"
    """We hung up before it answered, mostly because the user spoke."""
    UNREACHABLE = "unreachable"
    """The connection was refused or reset before any byte of an answer."""
    TIMED_OUT = "timed_out"
    OVERLOADED = "overloaded"
    """Status 429 or 503."""
    REFUSED = "refused"
    """Another status below 500: the request's own fault, or the settings'."""
    FAILED = "failed"
    """A status from 500 up."""
    GARBLED = "garbled"
    """What it sent is not what the API says, or too much of it."""
    BROKEN_OFF = "broken_off"
    """The connection broke after the answer began."""
    CIRCUIT_OPEN = "circuit_open"
    """Not tried: every server failed too often a moment ago."""


@dataclass(slots=True)
class ModelServerCounters:
    tries: Counter[tuple[ServerKind, Outcome]] = field(default_factory=Counter)
    retries: Counter[ServerKind] = field(default_factory=Counter)
    breakers_opened: Counter[ServerKind] = field(default_factory=Counter)
    breakers_open: Counter[ServerKind] = field(default_factory=Counter)
    """Circuit breakers that are not closed now."""
