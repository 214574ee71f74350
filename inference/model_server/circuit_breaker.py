"""Stops asking a model server that fails, and finds out when it works again.

                 too many failures
      ┌────────┐ ───────────────► ┌──────┐ ◄──── failure, longer cool-down ─┐
      │ closed │                  │ open │                                  │
      └────────┘                  └──────┘ ── cool-down over ──► ┌───────────┐
          ▲                          │                           │ half-open │
          └──── any success ─────────┴───────────────────────────└───────────┘

Half-open, one request at a time is let through to try.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum


class BreakerState(Enum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class BreakerLimits:
    consecutive_failures: int = 5
    """So many in a row open it."""
    failure_ratio: float = 0.5
    """So large a part of the last `window` results opens it."""
    window: int = 20
    cool_down_s: float = 1.0
    """How long it stays open; doubles with each probe that fails."""
    max_cool_down_s: float = 30.0


class CircuitBreaker:
    """Ask `begin` before each request, and tell it how every one that it let through ended."""

    def __init__(
        self,
        limits: BreakerLimits = BreakerLimits(),
        on_change: Callable[[BreakerState, BreakerState], None] = lambda old, new: None,
    ) -> None:
        """`on_change` hears of the old and the new state."""
        self.state = BreakerState.CLOSED
        self._limits = limits
        self._on_change = on_change
        self._results: deque[bool] = deque(maxlen=limits.window)
        self._failures_in_a_row = 0
        self._cool_down_s = limits.cool_down_s
        self._open_until = 0.0
        self._probing = False

    def would_begin(self, now: float) -> bool:
        """Whether a request would be let through."""
        if self.state is BreakerState.CLOSED:
            return True
        return now >= self._open_until and not self._probing

    def begin(self, now: float) -> bool:
        """Let a request through, or not."""
        if not self.would_begin(now):
            return False
        if self.state is not BreakerState.CLOSED:
            self._probing = True
            self._become(BreakerState.HALF_OPEN)
        return True

    def succeeded(self) -> None:
        self._failures_in_a_row = 0
        self._results.append(True)
        if self.state is not BreakerState.CLOSED:
            self._reset()

    def failed(self, now: float) -> None:
        self._failures_in_a_row += 1
        self._results.append(False)
        if self.state is BreakerState.HALF_OPEN:
            self._cool_down_s = min(2 * self._cool_down_s, self._limits.max_cool_down_s)
            self._open(now)
        elif self.state is BreakerState.CLOSED and self._too_many_failures():
            self._open(now)

    def abandoned(self) -> None:
        """The request ended without telling anything about the server."""
        self._probing = False

    def _too_many_failures(self) -> bool:
        limits = self._limits
        if self._failures_in_a_row >= limits.consecutive_failures:
            return True
        if len(self._results) < limits.window:
            return False
        return self._results.count(False) >= limits.failure_ratio * limits.window

    def _open(self, now: float) -> None:
        self._probing = False
        self._open_until = now + self._cool_down_s
        self._become(BreakerState.OPEN)

    def _reset(self) -> None:
        self._results.clear()
        self._cool_down_s = self._limits.cool_down_s
        self._probing = False
        self._become(BreakerState.CLOSED)

    def _become(self, state: BreakerState) -> None:
        old, self.state = self.state, state
        if old is not state:
            self._on_change(old, state)
