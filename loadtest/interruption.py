"""Work that may be ended before it is done."""

import asyncio
from collections.abc import Coroutine
from typing import Any


async def done_before(
    stop: asyncio.Event, work: Coroutine[Any, Any, None], timeout_s: float | None = None
) -> bool:
    """Let it work until it is done, `stop` is set, or the time is over.

    Returns whether it is done; it is cancelled if not. Raises what it raises.
    """
    working = asyncio.ensure_future(work)
    stopping: asyncio.Future[Any] = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait(
            {working, stopping}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED
        )
        if working.done():
            working.result()
        return working.done()
    finally:
        working.cancel()
        stopping.cancel()
