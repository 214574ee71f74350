"""Whether the model keeps up: by how long its steps take."""

from collections import deque
from collections.abc import Callable

from inference.engines.native.step import STEP_S

BUDGET_S = 0.8 * STEP_S
"""What a step may take; the rest is for frames that come together by chance."""
WINDOW_STEPS = 64
SLOW_SHARE = 0.1
"""Of the last steps, so many may take longer: a pause of the machine is no overload."""


class StepBudget:
    """Follows the last steps of a running batch."""

    def __init__(self, budget_s: float = BUDGET_S) -> None:
        self._budget_s = budget_s
        self._slow: deque[bool] = deque(maxlen=WINDOW_STEPS)

    def record(self, seconds: float) -> None:
        self._slow.append(seconds > self._budget_s)

    @property
    def exceeded(self) -> bool:
        """Whether a session more would be one too many."""
        return sum(self._slow) > SLOW_SHARE * WINDOW_STEPS


def slots_within_budget(
    slots: int, step_seconds: Callable[[int], float], budget_s: float = BUDGET_S
) -> int:
    """The most slots up to `slots`, halving, whose steps stay within the budget; else 0.

    `step_seconds` measures a batch of so many slots.
    """
    while slots and step_seconds(slots) > budget_s:
        slots //= 2
    return slots
