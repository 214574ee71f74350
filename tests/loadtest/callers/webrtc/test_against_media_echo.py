"""What goes wrong shows up in the measures, and nothing else does."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from loadtest.callers.fleet import FleetContext, Target
from loadtest.callers.webrtc.fleet import WebRtcFleet
from loadtest.measures.interval import Interval
from loadtest.measures.measures import Measures
from loadtest.measures.names import Count, Failure, Latency
from loadtest.scenario.call_plan import CallPlan
from loadtest.scenario.scenario import (
    CallerProfile,
    Load,
    Network,
    Scenario,
    Talk,
    TalkModel,
)
from tests.loadtest.media_echo_process import MediaEchoProcess, media_echo_process

CALLS = 3
SECONDS = 2.5
HEARD_S = 0.5


@pytest.fixture(scope="module")
def echo() -> Iterator[MediaEchoProcess]:
    with media_echo_process() as process:
        yield process


async def called(
    echo: MediaEchoProcess, network: Network | None = None, *, stall: bool = False
) -> Interval:
    """What some calls find, none of which fails."""
    profile = CallerProfile(
        talk=Talk(model=TalkModel.CONTINUOUS),
        network=network or Network(),
        data_channel=False,
    )
    found = await placed(echo, profile, stall_s=1 if stall else 0)
    assert found.failures == ()
    assert found.counts[Count.CALLS_ENDED] == found.counts[Count.CALLS_SET_UP] == CALLS
    return found


async def placed(
    echo: MediaEchoProcess, profile: CallerProfile, *, stall_s: int, seconds: float = SECONDS
) -> Interval:
    """What some calls find, to a server that stands still so long once all have heard it."""
    scenario = Scenario(name="echo", load=Load(sessions=CALLS), callers=(profile,))
    context = FleetContext(Target(http=echo.url), scenario, Measures())
    fleet = WebRtcFleet(context)
    await fleet.start()
    context.clock.started_at = time.monotonic()
    plans = [CallPlan(number, 0, 0.0, seconds, number) for number in range(CALLS)]
    calls = [asyncio.create_task(fleet.call(plan, profile)) for plan in plans]
    if stall_s:
        while context.measures.sessions != CALLS:
            await asyncio.sleep(0.01)
        await asyncio.sleep(HEARD_S)
        await asyncio.to_thread(echo.post, f"/stall?seconds={stall_s}")
    await asyncio.gather(*calls)
    await fleet.close()
    return context.measures.take(0)


def later_than(found: Interval, seconds: float) -> int:
    """So many frames."""
    lateness = found.latencies[Latency.FRAME_LATENESS]
    share = 0.0
    for upper, cumulative in lateness.cumulative():
        if upper <= seconds:
            share = cumulative
    return round(lateness.count * (1 - share))


async def test_a_clean_echo_is_whole(echo: MediaEchoProcess) -> None:
    echo.spoil()
    counts = (await called(echo)).counts

    assert counts[Count.FRAMES_RECEIVED] > CALLS * 60
    # What is on its way when a call is hung up is not missed.
    assert counts[Count.FRAMES_SENT] - counts[Count.FRAMES_RECEIVED] < CALLS * 50
    assert counts[Count.TURNS] == counts[Count.TURNS_RIGHT] == CALLS
    for none in (Count.FRAMES_LOST, Count.FRAMES_DUPLICATED, Count.FRAMES_UNAUTHENTICATED):
        assert none not in counts


async def test_every_frame_lost_is_counted(echo: MediaEchoProcess) -> None:
    echo.spoil(lose_every=10)
    counts = (await called(echo)).counts

    # Of each call the tenth one is lost, whether or not it came to the next.
    echoed = counts[Count.FRAMES_RECEIVED] + counts[Count.FRAMES_LOST]
    assert abs(counts[Count.FRAMES_LOST] - echoed / 10) <= CALLS


async def test_every_forgery_and_every_repetition_is_counted(echo: MediaEchoProcess) -> None:
    echo.spoil(forge_every=10, repeat_every=5)
    counts = (await called(echo)).counts

    received = counts[Count.FRAMES_RECEIVED]
    assert abs(counts[Count.FRAMES_UNAUTHENTICATED] - received / 10) <= CALLS
    assert abs(counts[Count.FRAMES_DUPLICATED] - received / 5) <= CALLS
    assert Count.FRAMES_LOST not in counts


async def test_every_late_frame_is_late(echo: MediaEchoProcess) -> None:
    echo.spoil(late_every=10, late_ms=200)
    found = await called(echo)

    received = found.counts[Count.FRAMES_RECEIVED]
    assert later_than(found, 0.19) >= received / 10 - 2 * CALLS
    assert found.counts[Count.FRAMES_ON_SCHEDULE] <= received * 0.9 + 2 * CALLS
    assert found.counts[Count.FRAMES_REORDERED] > 0


async def test_a_stall_of_a_second_shows_as_a_second(echo: MediaEchoProcess) -> None:
    echo.spoil()
    found = await called(echo, stall=True)

    lateness = found.latencies[Latency.FRAME_LATENESS]
    assert lateness.maximum is not None
    assert lateness.maximum >= 0.95
    # A frame each 20 ms came the later the earlier in the stall it was said.
    assert later_than(found, 0.5) >= CALLS * 20
    assert Count.FRAMES_LOST not in found.counts


async def test_calls_that_go_deaf_fail(echo: MediaEchoProcess) -> None:
    echo.spoil()
    talk = Talk(model=TalkModel.CONTINUOUS, patience_seconds=0.5)
    deaf = CallerProfile(talk=talk, data_channel=False)
    found = await placed(echo, deaf, stall_s=5, seconds=2 * SECONDS)

    assert found.failed == {Failure.NO_MEDIA: CALLS}
    assert found.counts[Count.FRAMES_SKIPPED] > CALLS * 10
    assert Count.CALLS_ENDED not in found.counts


async def test_what_its_own_network_takes_is_not_the_servers_loss(echo: MediaEchoProcess) -> None:
    echo.spoil()
    counts = (await called(echo, Network(loss=0.1, delay_ms=20, jitter_ms=5))).counts

    assert counts[Count.FRAMES_DROPPED] > 0
    assert Count.FRAMES_LOST not in counts
    # Of both ways.
    assert counts[Count.FRAMES_RECEIVED] < 0.95 * counts[Count.FRAMES_SENT]


async def test_a_call_outlives_changes_of_its_address(echo: MediaEchoProcess) -> None:
    echo.spoil()
    counts = (await called(echo, Network(move_seconds=1.0))).counts

    assert counts[Count.ADDRESS_CHANGES] >= 1
    assert counts[Count.FRAMES_RECEIVED] > CALLS * 25
