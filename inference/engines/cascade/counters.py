"""Plain integers that the cascade increments; `metrics.py` reads them at a scrape."""

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum


class WorkerKind(Enum):
    RECOGNISER = "recogniser"
    SYNTHESISER = "synthesiser"


@dataclass(slots=True)
class CascadeCounters:
    restarts: Counter[WorkerKind] = field(default_factory=Counter)
    utterances: int = 0
    utterances_failed: int = 0
    vad_batches: int = 0
    vad_windows: int = 0
