"""One step of a Moshi-class model: 80 ms heard, 80 ms said."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 24_000
STEP_SAMPLES = 1920
STEP_S = STEP_SAMPLES / SAMPLE_RATE
STEP_MS = 80

Samples = NDArray[np.float32]
"""STEP_SAMPLES samples from -1 to 1."""
Tokens = NDArray[np.int64]
"""All tokens of a step as the model lived it: text, then audio said, then audio heard."""


@dataclass(frozen=True, slots=True)
class StepPlan:
    """What the next run of the batch does; a slot that is not named stands still."""

    heard: dict[int, Samples]
    """By slot."""
    relived: dict[int, Tokens]
    """By slot: a recorded step that it goes through again, to remember it."""
    resets: tuple[int, ...] = ()
    """Slots that forget everything, before the step."""
    moved: tuple[tuple[int, int], ...] = ()
    """Slots whose ears and voice go on in another slot, before the step."""


@dataclass(frozen=True, slots=True)
class SlotStep:
    """What one slot's step gave."""

    piece: str
    """A piece of a word, as the tokenizer writes it; empty while none begins."""
    pcm: Samples | None
    """None in the first steps, for which the model says nothing."""
    tokens: Tokens


class StepModel(Protocol):
    """Runs one step of every slot that a plan names, in one batch."""

    @property
    def slots(self) -> int: ...

    @property
    def context_steps(self) -> int:
        """Steps that the model's attention reaches back."""

    def run(self, plan: StepPlan) -> dict[int, SlotStep]:
        """The steps of the slots that heard something."""
