"""The clock on a real event loop."""

import asyncio
from collections.abc import Callable
from itertools import pairwise
from time import monotonic

import pytest

from transceiver.duration_histogram import DurationHistogram
from transceiver.media_clock import FRAME_S, MediaClock
from transceiver.media_loop import MAX_SLOTS, MediaLoop

PATIENCE_S = 10.0


class Calls:
    """Each call sends a frame whenever it is served."""

    def __init__(self, count: int) -> None:
        self.clock: MediaClock[int] = MediaClock(monotonic())
        for number in range(count):
            self.clock.add(number, monotonic())
        self.wake: Callable[[], None] | None = None
        self.dues: list[float] = []
        self.sent = 0
        self.served = asyncio.Event()
        self.dense = False
        self.enough = 20

    @property
    def due_at(self) -> float:
        return self.clock.due_at

    def when_resumed(self, wake: Callable[[], None] | None) -> None:
        self.wake = wake

    def serve(self, now: float) -> tuple[float, int]:
        due, served = self.clock.take(now)
        self.dues.append(due)
        self.sent += len(served)
        if len(self.dues) >= self.enough:
            self.served.set()
        return due, len(served)


@pytest.fixture
def steps() -> list[str]:
    return []


class Source:
    """Something that media arrives at."""

    def __init__(self, steps: list[str]) -> None:
        self._steps = steps
        self.listening = True

    def listen(self, listening: bool) -> None:
        self.listening = listening

    def poll(self) -> None:
        self._steps.append("poll")


def media_loop(calls: Calls, steps: list[str]) -> MediaLoop:
    return MediaLoop(
        calls,
        sources=(),
        gather=lambda: steps.append("gather"),
        flush=lambda: steps.append("flush"),
        lateness=DurationHistogram((10.0,)),
    )


async def stopped(task: asyncio.Task[None]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_every_slot_is_served_in_turn_and_flushed(steps: list[str]) -> None:
    calls = Calls(1)
    serving = asyncio.create_task(media_loop(calls, steps).run())
    await asyncio.wait_for(calls.served.wait(), PATIENCE_S)
    await stopped(serving)
    assert {round(b - a, 6) for a, b in pairwise(calls.dues)} == {FRAME_S}
    assert steps == ["gather", "flush"] * len(calls.dues)


async def test_lateness_counts_the_frames_that_were_sent() -> None:
    calls = Calls(40)
    lateness = DurationHistogram((10.0,))
    loop = MediaLoop(calls, sources=(), gather=lambda: None, flush=lambda: None, lateness=lateness)
    serving = asyncio.create_task(loop.run())
    await asyncio.wait_for(calls.served.wait(), PATIENCE_S)
    await stopped(serving)
    assert lateness.cumulative[-1] == ("+Inf", calls.sent)
    assert lateness.sum_s > 0


async def test_the_sockets_have_their_turn_when_the_clock_is_behind(steps: list[str]) -> None:
    class Behind(Calls):
        @property
        def due_at(self) -> float:
            return 0.0

    calls = Behind(40)
    calls.enough = 3 * MAX_SLOTS
    turns = 0

    def turn() -> None:
        nonlocal turns
        turns += 1
        asyncio.get_running_loop().call_soon(turn)

    serving = asyncio.create_task(media_loop(calls, steps).run())
    asyncio.get_running_loop().call_soon(turn)
    await asyncio.wait_for(calls.served.wait(), PATIENCE_S)
    await stopped(serving)
    assert turns >= 2


async def test_a_defect_ends_the_loop_after_what_was_sent_has_left(steps: list[str]) -> None:
    calls = Calls(1)

    def defect(_now: float) -> tuple[float, int]:
        raise RuntimeError("a defect")

    calls.serve = defect  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="a defect"):
        await asyncio.wait_for(media_loop(calls, steps).run(), PATIENCE_S)
    assert steps == ["gather", "flush"]


async def test_with_many_calls_what_arrives_is_read_when_a_slot_is_due(steps: list[str]) -> None:
    calls, source = Calls(40), Source(steps)
    calls.dense = True
    loop = MediaLoop(
        calls,
        sources=[source],
        gather=lambda: steps.append("gather"),
        flush=lambda: steps.append("flush"),
        lateness=DurationHistogram((10.0,)),
    )
    serving = asyncio.create_task(loop.run())
    await asyncio.wait_for(calls.served.wait(), PATIENCE_S)
    assert not source.listening
    assert steps[: 3 * 10] == ["poll", "gather", "flush"] * 10
    calls.dense = False
    calls.served.clear()
    await asyncio.wait_for(calls.served.wait(), PATIENCE_S)
    await stopped(serving)
    assert source.listening
    assert steps[-4:] == ["gather", "flush"] * 2


async def test_it_rests_while_nobody_is_served(steps: list[str]) -> None:
    calls = Calls(0)
    serving = asyncio.create_task(media_loop(calls, steps).run())
    await asyncio.sleep(3 * FRAME_S)
    assert steps == []
    assert calls.wake is not None
    calls.clock.add(1, monotonic())
    calls.wake()
    await asyncio.wait_for(calls.served.wait(), PATIENCE_S)
    calls.clock.remove(1)
    served = calls.sent
    await asyncio.sleep(3 * FRAME_S)
    assert calls.sent == served
    await stopped(serving)
    assert calls.wake is None
