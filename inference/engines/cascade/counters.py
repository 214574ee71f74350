"""Plain integers that the cascade increments; `metrics.py` reads them at a scrape."""

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum

from inference.engines.cascade.servers.counters import SpeechServerCounters
from inference.engines.cascade.work_counters import WorkCounters
from inference.model_server.counters import ModelServerCounters


class WorkerKind(Enum):
    RECOGNISER = "recogniser"
    SYNTHESISER = "synthesiser"


class Miss(Enum):
    """Why an answer that was begun before the turn was over was discarded."""

    SPOKE_ON = "spoke_on"
    """The user had only paused."""
    WORDS = "words"
    """The final transcript says something else."""
    PROMPT = "prompt"
    """Something else about the question changed: the conversation, settings, the request."""
    FAILED = "failed"
    """The brain or the voice failed; the answer is tried again."""
    UNASKED = "unasked"
    """No answer to the turn was asked for."""


@dataclass(slots=True)
class SpeculationCounters:
    """Answers begun before the turn was over."""

    started: int = 0
    hits: int = 0
    misses: Counter[Miss] = field(default_factory=Counter)
    wasted_tokens: int = 0
    """Of text and calls that the brain gave for nothing."""
    wasted_audio_s: float = 0.0


class Verdict(Enum):
    """What speech that began over an answer was taken for."""

    TAKEN = "taken"
    """An interruption."""
    DISMISSED = "dismissed"
    """A cough, or a listener's "mm-hm"."""


@dataclass(slots=True)
class TurnModelCounters:
    """Questions to the end-of-turn model."""

    answered: int = 0
    seconds: float = 0.0
    """That the model's thread took for them."""
    failed: int = 0
    shed: int = 0
    """Not asked, because too many were."""


class Consultation(Enum):
    """How asking the expert model ended."""

    ANSWERED = "answered"
    DROPPED = "dropped"
    """The user had moved on."""
    FAILED = "failed"
    TIMED_OUT = "timed_out"


@dataclass(slots=True)
class CascadeCounters:
    restarts: Counter[WorkerKind] = field(default_factory=Counter)
    utterances: int = 0
    utterances_failed: int = 0
    vad_batches: int = 0
    vad_windows: int = 0
    work: WorkCounters = field(default_factory=WorkCounters)
    speculation: SpeculationCounters = field(default_factory=SpeculationCounters)
    turn_model: TurnModelCounters = field(default_factory=TurnModelCounters)
    consultations: Counter[Consultation] = field(default_factory=Counter)
    interruptions: Counter[Verdict] = field(default_factory=Counter)
    """By the engine's judgement of them."""
    model_servers: ModelServerCounters = field(default_factory=ModelServerCounters)
    speech_servers: SpeechServerCounters = field(default_factory=SpeechServerCounters)
