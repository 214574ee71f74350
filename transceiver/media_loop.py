"""Drives the calls' media clock on the event loop, and with many calls all else that is media."""

import asyncio
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Protocol

from transceiver.duration_histogram import DurationHistogram
from transceiver.kernel_timer import KernelTimer

MAX_SLOTS = 20
"""Slots served before all else has its turn."""


class MediaCalls(Protocol):
    """Calls that send their frames by a clock."""

    @property
    def due_at(self) -> float:
        """When the next slot is due; infinity while there is nobody to serve."""
        ...

    def when_resumed(self, wake: Callable[[], None] | None) -> None:
        """Have `wake` called, if any, when there is somebody to serve and was nobody."""

    @property
    def dense(self) -> bool:
        """Whether there is always something to serve soon."""
        ...

    def serve(self, now: float) -> tuple[float, int]:
        """Serve the calls of the next slot; when it was due, and how many frames were sent."""
        ...


class Source(Protocol):
    """Something that media arrives at."""

    def listen(self, listening: bool) -> None:
        """Whether to read as soon as something is there, or only by `poll`."""

    def poll(self) -> None:
        """Read what is there."""


class MediaLoop:
    """Serves each slot when it is due, and sees its frames leave before the next one.

    With few calls, `sources` are read as soon as something arrives. With many, where a slot is
    due within a millisecond or two at any time, they are read when one is: waking up
    for each packet would cost more than what there is to do for it.

    `gather` is called before a slot and `flush` after it: what the calls send meanwhile
    leaves together. `lateness` takes each frame's time of leaving against its due time.
    """

    def __init__(
        self,
        calls: MediaCalls,
        *,
        sources: Sequence[Source],
        gather: Callable[[], None],
        flush: Callable[[], None],
        lateness: DurationHistogram,
    ) -> None:
        self._calls = calls
        self._sources = sources
        self._polling = False
        self._gather = gather
        self._flush = flush
        self._lateness = lateness

    async def run(self) -> None:
        """Serve until cancelled. Raises what a defect in the calls' shell raises."""
        self._failed = asyncio.get_running_loop().create_future()
        self._timer = KernelTimer(self._serve)
        self._calls.when_resumed(self._set_timer)
        try:
            self._set_timer()
            await self._failed
        finally:
            self._calls.when_resumed(None)
            self._timer.close()

    def _set_timer(self) -> None:
        self._timer.set(self._calls.due_at)

    def _serve(self) -> None:
        try:
            self._choose_mode()
            for _ in range(MAX_SLOTS):
                if self._calls.due_at > monotonic():
                    break
                if self._polling:
                    self._poll()
                self._serve_slot()
        except Exception as defect:  # noqa: BLE001  # The worker ends by it, and is restarted.
            if not self._failed.done():
                self._failed.set_exception(defect)
            return
        self._set_timer()

    def _choose_mode(self) -> None:
        dense = self._calls.dense
        if dense != self._polling:
            self._polling = dense
            for source in self._sources:
                source.listen(not dense)

    def _poll(self) -> None:
        for source in self._sources:
            source.poll()

    def _serve_slot(self) -> None:
        self._gather()
        try:
            due, sent = self._calls.serve(monotonic())
        finally:
            self._flush()
        if sent:
            self._lateness.observe(monotonic() - due, sent)
