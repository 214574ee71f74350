"""Plain numbers that the native engine counts; `metrics.py` reads them at a scrape."""

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum

from inference.engines.native.backlog import Shed

STEP_BUCKETS_S = (0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.064, 0.08, 0.12, 0.2, 0.5, 1.0)


class ModelWorker(Enum):
    MODEL = "model"


@dataclass(slots=True)
class NativeCounters:
    slots: int = 0
    sessions: int = 0
    steps_by_bucket: list[int] = field(default_factory=lambda: [0] * (len(STEP_BUCKETS_S) + 1))
    """Batches by how long they took: up to each of STEP_BUCKETS_S, and longer."""
    step_seconds: float = 0.0
    slot_steps: int = 0
    shed: Counter[Shed] = field(default_factory=Counter)
    stalled: int = 0
    handoffs: int = 0
    forgotten: int = 0
    restarts: Counter[ModelWorker] = field(default_factory=Counter)

    def batch(self, seconds: float, slots: int) -> None:
        """A batch in which so many slots stepped took so long."""
        self.steps_by_bucket[bisect_left(STEP_BUCKETS_S, seconds)] += 1
        self.step_seconds += seconds
        self.slot_steps += slots
