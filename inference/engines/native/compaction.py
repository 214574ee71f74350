"""Keeps a long conversation within the context that its model was made for.

    first slot   ──steps──► warm_from ──steps──────────────► a pause: cut over
    second slot                 └─ relives the tail, faster ──┘ goes on

The second slot relives the recorded tokens of the last steps while the first
speaks. It needs no audio for that, so it goes as fast as batches run, and has the
first one's ears and voice from the cut on. Where no slot is free until long after
the limit, the conversation is forgotten in place.
"""

from collections import deque
from dataclasses import dataclass

from inference.engines.native.step import Tokens

PAUSE_STEPS = 2
"""So many steps without a word or a sound make a pause to cut in."""


@dataclass(frozen=True, slots=True)
class ContextLimits:
    """In steps of a conversation."""

    warm_from: int
    """A second slot is looked for."""
    tail: int
    """What it remembers."""
    forget_at: int
    """Where none was free, everything is forgotten."""

    @classmethod
    def of(cls, context_steps: int) -> "ContextLimits":
        """For a model whose attention reaches back so far."""
        return cls(context_steps * 4 // 5, context_steps // 4, context_steps * 5 // 4)


class Memory:
    """What one conversation has lived through, as much as a second slot would relive."""

    def __init__(self, limits: ContextLimits) -> None:
        self._limits = limits
        self._tail: deque[Tokens] = deque(maxlen=limits.tail)
        self._replay: deque[Tokens] | None = None
        self._steps = 0
        self._relived = 0
        self._silent_steps = 0

    @property
    def wants_slot(self) -> bool:
        return self._replay is None and self._steps >= self._limits.warm_from

    @property
    def overdue(self) -> bool:
        return self._replay is None and self._steps >= self._limits.forget_at

    @property
    def relives(self) -> bool:
        """Whether a second slot has steps to go through again."""
        return bool(self._replay)

    @property
    def ready(self) -> bool:
        """Whether the second slot has caught up, in a pause of the agent's."""
        caught_up = self._replay is not None and not self._replay
        return caught_up and self._silent_steps >= PAUSE_STEPS

    def live(self, tokens: Tokens, *, silent: bool) -> None:
        """Note a step of the first slot, in which the agent was silent or not."""
        self._steps += 1
        self._silent_steps = self._silent_steps + 1 if silent else 0
        self._tail.append(tokens)
        if self._replay is not None:
            self._replay.append(tokens)

    def begin(self) -> None:
        """A second slot was found."""
        self._replay = deque(self._tail)
        self._relived = 0

    def relive(self) -> Tokens:
        """The next step that the second slot goes through again."""
        assert self._replay, "nothing to relive"
        self._relived += 1
        return self._replay.popleft()

    def cut_over(self) -> None:
        """The second slot goes on, which remembers what it relived."""
        self._replay = None
        self._steps = self._relived

    def forget(self) -> None:
        """Everything was forgotten in place."""
        self._tail.clear()
        self._replay = None
        self._steps = 0
