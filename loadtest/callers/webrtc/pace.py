"""The clock of a fleet: every caller's turn comes once in 20 ms, each at a phase of its own."""

import asyncio
import time
from collections.abc import Callable

from loadtest.callers.speech import FRAME_S
from loadtest.measures.measures import Measures
from loadtest.measures.names import Latency

SLOTS = 10
"""Of two milliseconds: an event loop's timers are hardly finer, and each of its turns costs."""
SLOT_S = FRAME_S / SLOTS
ROUNDS_A_SECOND = round(1 / FRAME_S)

Tick = Callable[[float], bool]
"""Takes when it was due, by `time.monotonic`; whether a frame was sent."""


class Pace:
    """Ticks are late rather than left out: what was missed is made up for, and SEND_LATENESS
    tells."""

    def __init__(self, measures: Measures, each_second: Callable[[], None]) -> None:
        self._measures = measures
        self._each_second = each_second
        self._slots: list[dict[Tick, None]] = [{} for _ in range(SLOTS)]
        self._lateness: list[float] = []
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._running = asyncio.create_task(self._run())

    def join(self, tick: Tick) -> None:
        """From now on it has its turns, in the emptiest slot."""
        min(self._slots, key=len)[tick] = None

    def leave(self, tick: Tick) -> None:
        """Harmless for who never joined."""
        for slot in self._slots:
            slot.pop(tick, None)

    async def close(self) -> None:
        """Raises what ended the clock before, if anything did."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])
            if not self._running.cancelled():
                self._running.result()

    async def _run(self) -> None:
        round_at, rounds = time.monotonic(), 0
        while True:
            for number, slot in enumerate(self._slots):
                if slot:
                    await self._tick_all(slot, round_at + number * SLOT_S)
            round_at, rounds = round_at + FRAME_S, rounds + 1
            if rounds % ROUNDS_A_SECOND == 0:
                self._settle()
            # Who is behind must still let others run.
            await asyncio.sleep(max(round_at - time.monotonic(), 0))

    async def _tick_all(self, slot: dict[Tick, None], due: float) -> None:
        wait = due - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        late, now = self._lateness.append, time.monotonic
        for tick in tuple(slot):
            if tick(due):
                late(now() - due)

    def _settle(self) -> None:
        lateness, self._lateness = self._lateness, []
        self._measures.note_many(Latency.SEND_LATENESS, [max(each, 0.0) for each in lateness])
        self._each_second()
