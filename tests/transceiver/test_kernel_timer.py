"""The kernel's timer on a real event loop."""

import asyncio
import math
from collections.abc import Callable, Coroutine
from time import monotonic
from typing import Any

import pytest
import uvloop

from transceiver.kernel_timer import KernelTimer

PATIENCE_S = 10.0


Run = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    return request.param


async def rung(timer_at: list[float]) -> list[float]:
    """When a timer rang that was set to each of these times from now in turn."""
    times: list[float] = []
    rang = asyncio.Event()

    def ring() -> None:
        times.append(monotonic())
        rang.set()

    timer = KernelTimer(ring)
    began = monotonic()
    for at in timer_at:
        rang.clear()
        timer.set(began + at)
        await asyncio.wait_for(rang.wait(), PATIENCE_S)
    timer.close()
    return [time - began for time in times]


async def rings(waits_s: list[float]) -> tuple[list[float], list[float]]:
    """When one timer rang that was set to all of these times from now at once; and those times."""
    heard: list[float] = []
    timer = KernelTimer(lambda: heard.append(monotonic()))
    due = [monotonic() + wait for wait in waits_s]
    for at in due:
        timer.set(at)
    await asyncio.sleep(waits_s[-1] + 0.07)
    timer.close()
    return heard, due


def test_it_never_rings_early(run: Run) -> None:
    at = [0.0003, 0.0007, 0.0012, 0.01, 0.0213]
    times = run(rung(at))
    assert all(time >= wanted for time, wanted in zip(times, at, strict=True))


def test_a_time_that_has_passed_rings_at_once_and_once(run: Run) -> None:
    assert len(run(rung([-5.0, -monotonic()]))) == 2


def test_it_does_not_spin_while_it_waits(run: Run) -> None:
    heard, _due = run(rings([0.0004]))
    assert len(heard) == 1


def test_set_anew_it_rings_at_the_later_time_alone(run: Run) -> None:
    heard, (_earlier, later) = run(rings([0.005, 0.03]))
    assert len(heard) == 1
    assert heard[0] >= later


async def test_it_does_not_ring_when_it_is_set_to_never() -> None:
    heard: list[float] = []
    timer = KernelTimer(lambda: heard.append(monotonic()))
    timer.set(monotonic() + 0.02)
    timer.set(math.inf)
    await asyncio.sleep(0.05)
    assert heard == []
    timer.set(monotonic() + 0.01)
    await asyncio.sleep(0.05)
    assert len(heard) == 1
    timer.close()
