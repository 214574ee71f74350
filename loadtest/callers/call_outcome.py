"""What is counted of a call, whichever door it comes by."""

import asyncio
import time
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager

from loadtest.callers.failed_call import FailedCallError
from loadtest.measures.measures import Measures
from loadtest.measures.names import Count, Failure


async def counted(call: Awaitable[None], number: int, measures: Measures) -> None:
    """Let it be carried out, and count it as ended or failed. `number` is that of its plan."""
    try:
        await call
    except FailedCallError as failed:
        measures.failed(number, failed.reason, failed.detail)
    except Exception as defect:  # noqa: BLE001 - the run goes on, and its report tells
        measures.failed(number, Failure.CALLER_DEFECT, repr(defect))
    else:
        measures.count(Count.CALLS_ENDED)


@contextmanager
def up(measures: Measures, ends_at: float) -> Iterator[None]:
    """A session within. One that is cancelled before its end, by `time.monotonic`, was told to
    hang up, and has ended."""
    measures.opened()
    try:
        yield
    except asyncio.CancelledError:
        if time.monotonic() < ends_at:
            measures.count(Count.CALLS_ENDED)
        raise
    finally:
        measures.closed()
