import asyncio

import pytest

from loadtest.interruption import done_before


async def test_what_is_done_in_time_is_done() -> None:
    async def work() -> None:
        pass

    assert await done_before(asyncio.Event(), work(), 60.0)


@pytest.mark.parametrize("timeout_s", [0.0, None])
async def test_what_is_not_is_cancelled(timeout_s: float | None) -> None:
    stop, cancelled = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        try:
            if timeout_s is None:
                stop.set()
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    # Where there is no time at all, it does not even begin.
    assert not await done_before(stop, work(), timeout_s)
    if timeout_s is None:
        await cancelled.wait()


async def test_what_it_raises_is_raised() -> None:
    async def work() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await done_before(asyncio.Event(), work())
