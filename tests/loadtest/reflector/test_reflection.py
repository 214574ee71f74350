"""Relay callers, a real relay, and two reflectors behind it."""

import asyncio
import signal
import socket
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from loadtest.callers.relay.fleet import RelayFleet
from loadtest.measures.interval import Interval
from loadtest.measures.names import Count, Failure, Latency
from tests.loadtest.reflector.reflected_deployment import ReflectedDeployment, reflected_deployment
from tests.loadtest.reflector.relay_calls import PROFILE, relay_calls

CALLS = 300

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def reflected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReflectedDeployment]:
    with reflected_deployment(tmp_path_factory.mktemp("reflected"), reflectors=2) as running:
        yield running


def lost(found: Interval) -> int:
    """By what was sent, and by what came back."""
    return found.counts[Count.FRAMES_SENT] - found.counts[Count.FRAMES_RECEIVED]


def healed(found: Interval) -> int:
    """Calls that heard nothing for a while, and then did."""
    noted = found.latencies.get(Latency.HEALING)
    return 0 if noted is None else noted.count


def test_calls_are_set_up_talk_and_end(reflected: ReflectedDeployment) -> None:
    bound = reflected.counters("bound")

    async def scenario() -> Interval:
        async with relay_calls(reflected.urls) as calls:
            calls.place(CALLS, seconds=1.5)
            return await calls.all_over()

    found = asyncio.run(scenario())
    assert found.failures == ()
    assert found.counts[Count.CALLS_SET_UP] == found.counts[Count.CALLS_ENDED] == CALLS
    assert reflected.counters("bound") == bound + CALLS
    assert found.counts[Count.FRAMES_SENT] > 10 * CALLS
    assert lost(found) == found.counts.get(Count.FRAMES_LOST, 0) == 0
    assert found.counts.get(Count.MISROUTED, 0) == reflected.counters("misrouted") == 0
    for latency in Latency.SET_UP, Latency.SET_UP_ICE:
        assert found.latencies[latency].count == CALLS
    for latency in Latency.ROUND_TRIP, Latency.ONE_WAY_DELAY, Latency.SEND_LATENESS:
        assert found.latencies[latency].count > 10 * CALLS
    assert found.sessions == 0


def test_sessions_that_end_are_given_back(reflected: ReflectedDeployment) -> None:
    async def scenario() -> None:
        async with relay_calls(reflected.urls) as calls:
            calls.place(10, seconds=0.5)
            await calls.all_over()

    asyncio.run(scenario())
    assert reflected.counters("sessions") == 0
    assert reflected.counters("clients_bound") == 0


def test_a_relay_that_is_restarted_knows_the_calls_again(reflected: ReflectedDeployment) -> None:
    epochs = reflected.counters("relay_epochs")

    async def scenario() -> Interval:
        async with relay_calls(reflected.urls) as calls:
            calls.place(CALLS)
            await calls.until(lambda: calls.found().sessions == CALLS)
            await asyncio.to_thread(reflected.restart_relay)
            await calls.until(lambda: healed(calls.found()) >= CALLS)
            return calls.found()

    found = asyncio.run(scenario())
    assert found.counts.get(Count.CALLS_FAILED, 0) == 0
    assert reflected.counters("relay_epochs") == epochs + 2
    assert found.counts.get(Count.MISROUTED, 0) == reflected.counters("misrouted") == 0


def test_a_relay_that_hands_over_loses_nothing(reflected: ReflectedDeployment) -> None:
    async def scenario() -> Interval:
        async with relay_calls(reflected.urls) as calls:
            calls.place(20, seconds=8.0)
            await calls.until(lambda: calls.found().sessions == 20)
            await asyncio.to_thread(reflected.hand_over)
            return await calls.all_over()

    epochs = reflected.counters("relay_epochs")
    found = asyncio.run(scenario())
    assert reflected.counters("relay_epochs") > epochs
    assert lost(found) == found.counts.get(Count.FRAMES_LOST, 0) == 0


def test_what_a_relay_loses_is_counted_as_lost(reflected: ReflectedDeployment) -> None:
    async def scenario() -> Interval:
        async with relay_calls(reflected.urls) as calls:
            calls.place(20, seconds=6.0)
            await calls.until(lambda: calls.found().sessions == 20)
            await asyncio.to_thread(reflected.restart_relay)
            return await calls.all_over()

    found = asyncio.run(scenario())
    assert lost(found) == found.counts[Count.FRAMES_LOST] > 0


def test_a_relay_that_pauses_makes_packets_late_and_loses_none(
    reflected: ReflectedDeployment,
) -> None:
    async def scenario() -> Interval:
        async with relay_calls(reflected.urls) as calls:
            calls.place(20, seconds=3.0)
            await calls.until(lambda: calls.found().sessions == 20)
            pause = reflected.relay.tree()
            for process in pause:
                process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(0.5)
            for process in pause:
                process.send_signal(signal.SIGCONT)
            return await calls.all_over()

    found = asyncio.run(scenario())
    assert lost(found) == found.counts.get(Count.FRAMES_LOST, 0) == 0
    latest = found.latencies[Latency.FRAME_LATENESS].maximum
    assert latest is not None
    assert latest > 0.4
    assert found.counts[Count.FRAMES_ON_SCHEDULE] < found.counts[Count.FRAMES_RECEIVED]


def test_calls_to_which_nothing_comes_back_any_more_fail(reflected: ReflectedDeployment) -> None:
    impatient = msgspec.structs.replace(PROFILE.talk, patience_seconds=1.0)

    async def scenario() -> Interval:
        async with relay_calls(reflected.urls) as calls:
            profile = msgspec.structs.replace(PROFILE, talk=impatient)
            calls.place(20, seconds=3.0, profile=profile)
            await calls.until(lambda: calls.found().sessions == 20)
            paused = reflected.relay.tree()
            for process in paused:
                process.send_signal(signal.SIGSTOP)
            try:
                return await calls.all_over()
            finally:
                for process in paused:
                    process.send_signal(signal.SIGCONT)

    found = asyncio.run(scenario())
    assert found.failed == {Failure.NO_MEDIA: 20}
    assert Count.CALLS_ENDED not in found.counts
    assert healed(found) == 20


def test_a_wrong_tag_is_counted_as_misrouted(reflected: ReflectedDeployment) -> None:
    async def scenario() -> None:
        async with relay_calls(reflected.urls) as calls:
            calls.place(2)
            await calls.until(lambda: calls.found().sessions == 2)
            tags = _rows(calls.fleet)["tag"]
            tags[:2] = tags[:2] ^ 1
            await calls.until(lambda: reflected.counters("misrouted") > before)

    before = reflected.counters("misrouted")
    asyncio.run(scenario())


def test_what_is_sent_from_another_address_is_not_sent_back(
    reflected: ReflectedDeployment,
) -> None:
    """As of a relay that takes one client for another."""

    async def scenario() -> None:
        async with relay_calls(reflected.urls) as calls:
            calls.place(4)
            await calls.until(lambda: calls.found().sessions == 4)
            descriptors = _rows(calls.fleet)["descriptor"]
            # Calls 0 and 2 are of one reflector.
            descriptors[0], descriptors[2] = int(descriptors[2]), int(descriptors[0])
            await calls.until(lambda: reflected.counters("misrouted") > before)

    before = reflected.counters("misrouted")
    asyncio.run(scenario())


def test_bad_input_to_the_tunnels_port_is_dropped(reflected: ReflectedDeployment) -> None:
    before = reflected.counters("dropped_tunnel")
    datagrams = [b"", b"x", bytes(20), bytes(200), b"\x10" + bytes(1399), b"\x11" + bytes(90)]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as anybody:
        for datagram in datagrams:
            anybody.sendto(datagram, reflected.tunnel_of(0))

    async def scenario() -> None:
        async with relay_calls(reflected.urls) as calls:
            expected = before + len(datagrams)
            await calls.until(lambda: reflected.counters("dropped_tunnel") == expected)
            calls.place(4, seconds=0.5)
            assert (await calls.all_over()).counts[Count.CALLS_ENDED] == 4

    asyncio.run(scenario())


def _rows(fleet: RelayFleet) -> Any:
    """What the compiled loop works on."""
    return fleet._loop.rows
