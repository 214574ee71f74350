"""WebRTC callers against a whole deployment."""

import asyncio
import dataclasses
import time

import pytest

from loadtest.callers.fleet import FleetContext, FleetError, Target
from loadtest.callers.webrtc.fleet import WebRtcFleet
from loadtest.measures.interval import Interval
from loadtest.measures.measures import Measures
from loadtest.measures.names import Count, Failure, Latency
from loadtest.scenario.call_plan import CallPlan
from loadtest.scenario.scenario import (
    CallerProfile,
    Expect,
    Load,
    Network,
    Scenario,
    Talk,
    TalkModel,
)
from tests.free_ports import free_port
from tests.loadtest.called_deployment import AGENT, CalledDeployment

STAGES = (
    Latency.SET_UP,
    Latency.SET_UP_SIGNALING,
    Latency.SET_UP_ICE,
    Latency.SET_UP_DTLS,
    Latency.SET_UP_DATA_CHANNEL,
)


async def called(
    target: Target, profile: CallerProfile, *, calls: int = 1, seconds: float = 4.0
) -> Interval:
    """What such calls find."""
    scenario = Scenario(name="calls", load=Load(sessions=calls), callers=(profile,))
    context = FleetContext(target, scenario, Measures())
    fleet = WebRtcFleet(context)
    await fleet.start()
    context.clock.started_at = time.monotonic()
    plans = [CallPlan(number, 0, 0.0, seconds, number) for number in range(calls)]
    await asyncio.gather(*(fleet.call(plan, profile) for plan in plans))
    await fleet.close()
    return context.measures.take(0)


async def test_calls_and_hears_its_echo(deployment: CalledDeployment) -> None:
    talk = Talk(model=TalkModel.ON_OFF)
    found = await called(deployment.target(), CallerProfile(talk=talk, red=True), calls=3)

    assert found.failures == ()
    assert found.counts[Count.CALLS_SET_UP] == found.counts[Count.CALLS_ENDED] == 3
    assert found.counts[Count.FRAMES_RECEIVED] > 3 * 50
    assert found.counts[Count.TURNS_RIGHT] >= 3
    assert found.counts[Count.EVENTS_RECEIVED] >= 3
    for none in (Count.FRAMES_UNAUTHENTICATED, Count.ERRORS_RECEIVED, Count.TURNS_WRONG):
        assert none not in found.counts
    assert {stage: found.latencies[stage].count for stage in STAGES} == dict.fromkeys(STAGES, 3)
    assert found.latencies[Latency.ROUND_TRIP].count >= 3


async def test_asks_the_agent_and_understands_its_answers(deployment: CalledDeployment) -> None:
    talk = Talk(model=TalkModel.TURNS, expect=Expect.ANSWER, pause_seconds=0.2)
    profile = CallerProfile(talk=talk)
    found = await called(deployment.target(AGENT), profile, seconds=15.0)

    assert found.failures == ()
    assert found.counts[Count.TURNS_RIGHT] >= 1
    assert found.latencies[Latency.VOICE_TO_VOICE].count >= 1
    assert found.latencies[Latency.TURN_ENDPOINTING].count >= 1


async def test_interrupts_the_agent(deployment: CalledDeployment) -> None:
    talk = Talk(model=TalkModel.TURNS, expect=Expect.ANSWER, pause_seconds=0.2, barge_in=1.0)
    profile = CallerProfile(talk=talk)
    found = await called(deployment.target(AGENT), profile, seconds=15.0)

    assert found.failures == ()
    assert found.counts[Count.BARGE_INS] >= 1
    assert found.latencies[Latency.BARGE_IN].count >= 1


async def test_goes_on_behind_another_port(deployment: CalledDeployment) -> None:
    profile = CallerProfile(
        talk=Talk(model=TalkModel.CONTINUOUS), network=Network(rebind_seconds=2.0)
    )
    found = await called(deployment.target(), profile, calls=3, seconds=12.0)

    assert found.failures == ()
    assert found.counts[Count.ADDRESS_CHANGES] >= 3
    assert found.counts[Count.FRAMES_RECEIVED] > 3 * 200


async def test_a_refusal_is_told_without_the_key(deployment: CalledDeployment) -> None:
    target = dataclasses.replace(deployment.target(), api_key="not-the-key")
    (failed,) = (await called(target, CallerProfile())).failures

    assert failed.reason is Failure.REFUSED
    assert failed.detail.startswith("HTTP 401")
    assert "not-the-key" not in failed.detail


async def test_a_server_that_is_not_there_is_unreachable() -> None:
    target = Target(http=f"http://127.0.0.1:{free_port('127.0.0.1')}")
    (failed,) = (await called(target, CallerProfile())).failures

    assert failed.reason is Failure.UNREACHABLE


@pytest.mark.parametrize("http", ["ftp://127.0.0.1", "127.0.0.1:80", "http://no-such-host.invalid"])
async def test_what_is_no_url_is_told_before_the_run(http: str) -> None:
    with pytest.raises(FleetError):
        await called(Target(http=http), CallerProfile())
