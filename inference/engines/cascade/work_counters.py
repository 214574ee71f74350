"""What the cascade's models worked, on how much, and what waits for them."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class WorkerLoad:
    """Of the processes of one kind."""

    work_s: float = 0.0
    """CPU seconds that their speech took."""
    audio_s: float = 0.0
    """How long that speech lasts. `work_s / audio_s` is the real-time factor."""
    waiting: float = 0.0
    """Seconds of speech that are not decoded yet, or pieces of text that are not spoken yet."""


@dataclass(slots=True)
class WorkCounters:
    recognition: WorkerLoad = field(default_factory=WorkerLoad)
    synthesis: WorkerLoad = field(default_factory=WorkerLoad)
    batch_sizes: Counter[int] = field(default_factory=Counter)
    """Runs of the voice activity model, by how many sessions' windows they judged."""
