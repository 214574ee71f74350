"""Which slots the next batch steps: every one that is ready, as soon as the last one is done.

A batch costs the same however many of its slots step, so waiting to fill it, or for
a grid of 80 ms, would only add latency: docs/decisions/0029.
"""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from inference.engines.native.backlog import QUIET_RMS, Backlog, Shed
from inference.engines.native.compaction import ContextLimits, Memory
from inference.engines.native.slot_table import NoSlotError, SlotTable
from inference.engines.native.step import (
    STEP_S,
    STEP_SAMPLES,
    Samples,
    SlotStep,
    StepPlan,
    Tokens,
)

STALLED_AFTER_S = 0.2
"""A session whose input pauses so long hears silence, lest its agent stops in mid-word."""

SILENCE: Samples = np.zeros(STEP_SAMPLES, np.float32)


@dataclass(slots=True)
class SchedulerCounters:
    shed: Counter[Shed] = field(default_factory=Counter)
    stalled: int = 0
    """Steps that heard silence, for want of input."""
    handoffs: int = 0
    """Conversations that went on in a compacted slot."""
    forgotten: int = 0
    """Conversations that were forgotten in place."""


@dataclass(slots=True)
class _Conversation:
    backlog: Backlog
    memory: Memory
    stalls_at: float
    """When silence is heard unless a frame comes before."""


class StepScheduler:
    """Feed `push`; while `plan` gives a plan, have it run and give `complete` its steps."""

    def __init__(self, slots: int, limits: ContextLimits) -> None:
        """`slots` include those for hand-offs."""
        self.counters = SchedulerCounters()
        self._table = SlotTable(slots)
        self._limits = limits
        self._conversations: dict[int, _Conversation] = {}
        self._resets: list[int] = []
        self._running: dict[int, int] = {}

    @property
    def sessions(self) -> int:
        return len(self._conversations)

    def open(self, session: int, now: float) -> None:
        """Give a session a slot. Raises NoSlotError."""
        self._resets.append(self._table.take(session))
        self._conversations[session] = _Conversation(
            Backlog(self.counters.shed), Memory(self._limits), now + STALLED_AFTER_S
        )

    def close(self, session: int) -> None:
        """Free a session's slot; the step that is running for it gives nothing any more."""
        self._table.leave(session)
        self._conversations.pop(session, None)
        self._running.pop(session, None)

    def push(self, session: int, samples: Samples, now: float) -> None:
        """A session said something; one that is closed is not heard."""
        if (conversation := self._conversations.get(session)) is not None:
            conversation.backlog.push(samples)
            conversation.stalls_at = now + STALLED_AFTER_S

    def next_stall(self) -> float | None:
        """When `plan` gives something though nothing is pushed."""
        return min((each.stalls_at for each in self._conversations.values()), default=None)

    def plan(self, now: float) -> StepPlan | None:
        """What to run now; None while nothing is ready."""
        moved = self._hand_off()
        heard = {
            self._table.sessions[session]: samples
            for session, conversation in self._conversations.items()
            if (samples := self._next_heard(conversation, now)) is not None
        }
        relived = self._relived()
        if not heard and not relived and not moved:
            return None
        slots = {slot: session for session, slot in self._table.sessions.items()}
        self._running = {slots[slot]: slot for slot in heard}
        resets, self._resets = tuple(self._resets), []
        return StepPlan(heard, relived, resets, moved)

    def complete(self, steps: dict[int, SlotStep]) -> dict[int, SlotStep]:
        """The steps of the sessions that are still there, by session."""
        given = {session: steps[slot] for session, slot in self._running.items()}
        self._running = {}
        for session, step in given.items():
            silent = not step.piece and (step.pcm is None or _rms(step.pcm) < QUIET_RMS)
            self._conversations[session].memory.live(step.tokens, silent=silent)
        return given

    def _next_heard(self, conversation: _Conversation, now: float) -> Samples | None:
        if len(conversation.backlog):
            return conversation.backlog.pop()
        if now < conversation.stalls_at:
            return None
        self.counters.stalled += 1
        late = now - conversation.stalls_at >= STEP_S
        conversation.stalls_at = (now if late else conversation.stalls_at) + STEP_S
        return SILENCE

    def _hand_off(self) -> tuple[tuple[int, int], ...]:
        """Begin and end hand-offs to compacted slots; which slots' voices move."""
        moved = []
        for session, conversation in self._conversations.items():
            memory = conversation.memory
            if memory.ready:
                moved.append(self._table.cut_over(session))
                memory.cut_over()
                self.counters.handoffs += 1
            elif memory.wants_slot:
                self._look_for_slot(session, memory)
        return tuple(moved)

    def _look_for_slot(self, session: int, memory: Memory) -> None:
        try:
            self._resets.append(self._table.take_second(session))
        except NoSlotError:
            if memory.overdue:
                self._resets.append(self._table.sessions[session])
                memory.forget()
                self.counters.forgotten += 1
        else:
            memory.begin()

    def _relived(self) -> dict[int, Tokens]:
        return {
            slot: self._conversations[session].memory.relive()
            for session, slot in self._table.seconds.items()
            if self._conversations[session].memory.relives
        }


def _rms(samples: Samples) -> float:
    return float(np.sqrt(np.mean(samples * samples)))
