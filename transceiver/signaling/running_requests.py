"""The requests that run for as long as their WebSockets last."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class RunningRequests:
    """Knows their tasks, so that the end of a worker can wait for theirs."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[object]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count the request of the current task among those that run."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            yield
        finally:
            self._tasks.discard(task)

    async def wait(self, seconds: float) -> None:
        """Return when none runs any more, or the time is over."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
