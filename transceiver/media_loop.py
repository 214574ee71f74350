"""Drives the calls' media clock on the event loop, between the worker's sockets."""

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Protocol

from transceiver.duration_histogram import DurationHistogram

MAX_SLOTS = 20
"""Slots served before the sockets have their turn."""


class MediaCalls(Protocol):
    """Calls that send their frames by a clock."""

    @property
    def due_at(self) -> float: ...

    def serve(self, now: float) -> tuple[float, int]:
        """Serve the calls of the next slot; when it was due, and how many frames were sent."""
        ...


class MediaLoop:
    """Serves each slot when it is due, and sees its frames leave before the next one.

    `gather` is called before a slot and `flush` after it: what the calls send meanwhile
    leaves together. `lateness` takes each frame's time of leaving against its due time.
    """

    def __init__(
        self,
        calls: MediaCalls,
        *,
        gather: Callable[[], None],
        flush: Callable[[], None],
        lateness: DurationHistogram,
    ) -> None:
        self._calls = calls
        self._gather = gather
        self._flush = flush
        self._lateness = lateness
        self._failed: asyncio.Future[None] | None = None

    async def run(self) -> None:
        """Serve until cancelled. Raises what a defect in the calls' shell raises."""
        loop = asyncio.get_running_loop()
        self._failed = loop.create_future()
        self._arm(loop)
        try:
            await self._failed
        finally:
            self._timer.cancel()

    def _arm(self, loop: asyncio.AbstractEventLoop) -> None:
        delay = max(0.0, self._calls.due_at - monotonic())
        self._timer = loop.call_later(delay, self._serve, loop)

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            for _ in range(MAX_SLOTS):
                if self._calls.due_at > monotonic():
                    break
                self._serve_slot()
        except Exception as defect:  # noqa: BLE001  # The worker ends by it, and is restarted.
            if self._failed is not None and not self._failed.done():
                self._failed.set_exception(defect)
            return
        self._arm(loop)

    def _serve_slot(self) -> None:
        self._gather()
        try:
            due, sent = self._calls.serve(monotonic())
        finally:
            self._flush()
        if sent:
            self._lateness.observe(monotonic() - due, sent)
