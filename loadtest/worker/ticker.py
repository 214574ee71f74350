"""Reports what was measured, each second of the run."""

import asyncio
import time
from types import TracebackType
from typing import Protocol

from antiphon_proto.loadtest.v1 import loadtest_pb2 as pb
from loadtest.callers.fleet import FleetContext
from loadtest.wire import encode_interval


class Reports(Protocol):
    async def write(self, request: pb.Report) -> None: ...


class Ticker:
    """From the order to start until all calls are over, as an async context manager."""

    def __init__(self, context: FleetContext, reports: Reports) -> None:
        self._context = context
        self._reports = reports
        self._second = 0
        """Of the run, that is next to be reported."""
        self._cpu_seconds = time.process_time()
        self._over = asyncio.Event()
        self._ticking: asyncio.Task[None]

    async def __aenter__(self) -> "Ticker":
        self._ticking = asyncio.create_task(self._tick())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Reports what came since the last second was over."""
        # A cancelled write would end the whole stream.
        self._over.set()
        await asyncio.wait([self._ticking])
        if error is None:
            self._ticking.result()
            await self._report()

    async def _tick(self) -> None:
        while not await self._passed(self._context.clock.started_at + self._second + 1):
            # Where this process was held up, the seconds that passed are one.
            passed = int(time.monotonic() - self._context.clock.started_at)
            self._second = max(self._second, passed - 1)
            await self._report()

    async def _passed(self, moment: float) -> bool:
        """Wait until then. Returns whether the run was over before."""
        try:
            async with asyncio.timeout(max(0.0, moment - time.monotonic())):
                return await self._over.wait()
        except TimeoutError:
            return False

    async def _report(self) -> None:
        cpu_seconds = time.process_time()
        used, self._cpu_seconds = cpu_seconds - self._cpu_seconds, cpu_seconds
        interval = self._context.measures.take(self._second, used)
        self._second += 1
        await self._reports.write(pb.Report(measured=encode_interval(interval)))
