"""Two clusters with a long cable between them, and callers who live near the second one.

Their signaling reaches the first cluster, wherever their zone then has the call and its media.
"""

import asyncio
from collections.abc import Iterator

import pytest

from antiphon.call import session_config
from antiphon.realtime_call import RealtimeCall
from tests.e2e.echo import hears_an_echo
from tests.e2e.regions.region import Region
from tests.e2e.regions.round_trips import round_trips_ms
from tests.e2e.regions.world import CABLE_MS, World, two_regions, why_no_regions
from tests.e2e.running_deployment import wait_until

ROUND_TRIPS = 10
PATIENCE_S = 30.0
CALLS = "/v1/realtime/calls"
OPEN_CALLS = 'antiphon_transceiver_calls{transport="webrtc"}'
OPEN_WEBSOCKETS = 'antiphon_transceiver_calls{transport="websocket"}'

why_not = why_no_regions()
pytestmark = pytest.mark.skipif(bool(why_not), reason=f"no two regions: {why_not}")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with two_regions(tmp_path_factory.mktemp("regions")) as world:
        yield world


async def place(world: World, call: RealtimeCall) -> None:
    """Whoever calls posts to the first cluster."""
    await call.place(world.first.url, world.api_key, session_config("echo"))


def relay_of(call: RealtimeCall) -> str:
    """Where the answer had the client send."""
    lines = [line for line in call.answer.splitlines() if line.startswith("a=candidate:")]
    [address] = {":".join(line.split()[4:6]) for line in lines}
    return address


def open_calls(region: Region) -> float:
    return region.metrics("transceiver")[OPEN_CALLS]


async def test_a_call_whose_media_lands_in_the_other_cluster_works(world: World) -> None:
    with world.traveller.entered():
        async with RealtimeCall() as call:
            await place(world, call)
            assert relay_of(call) == str(world.second.relay)
            assert await hears_an_echo(call, PATIENCE_S)
            [milliseconds, *_] = await round_trips_ms(call, ROUND_TRIPS, PATIENCE_S)
            assert (open_calls(world.first), open_calls(world.second)) == (1, 0)
    # The call is at the far end of the cable; nothing shorter leads there.
    assert milliseconds >= 2 * CABLE_MS
    print(f"media by the near relay to the far cluster: {milliseconds:.1f} ms there and back")


async def test_a_call_whose_zone_is_in_the_other_cluster_is_made_there(world: World) -> None:
    """And whatever is asked of it where it was asked for."""
    with world.neighbour.entered():
        async with RealtimeCall() as call, world.api() as http:
            await place(world, call)
            assert relay_of(call) == str(world.second.relay)
            assert await hears_an_echo(call, PATIENCE_S)
            [milliseconds, *_] = await round_trips_ms(call, ROUND_TRIPS, PATIENCE_S)
            assert (open_calls(world.first), open_calls(world.second)) == (0, 1)
            async with http.ws_connect(f"/v1/realtime?call_id={call.call_id}") as sideband:
                created = await sideband.receive_json(timeout=PATIENCE_S)
                assert created["type"] == "session.created"
            async with http.post(f"{CALLS}/{call.call_id}/hangup") as response:
                assert response.status == 200
            await asyncio.to_thread(wait_until, lambda: not open_calls(world.second), "hang-up")
    # Its media never sees the cable.
    assert milliseconds < 2 * CABLE_MS
    print(f"media by the near relay to the near cluster: {milliseconds:.1f} ms there and back")


async def test_a_session_over_a_websocket_is_served_there_too(world: World) -> None:
    with world.neighbour.entered():
        async with world.api() as http, http.ws_connect("/v1/realtime?model=echo") as socket:
            created = await socket.receive_json(timeout=PATIENCE_S)
            assert created["type"] == "session.created"
            assert world.second.metrics("transceiver")[OPEN_WEBSOCKETS] == 1
            assert world.first.metrics("transceiver")[OPEN_WEBSOCKETS] == 0


async def test_where_a_cluster_is_gone_the_next_one_has_its_calls(world: World) -> None:
    """The last test: nothing starts it again."""
    world.second.end("transceiver")
    with world.neighbour.entered():
        async with RealtimeCall() as call:
            await place(world, call)
            assert relay_of(call) == str(world.second.relay)
            assert await hears_an_echo(call, PATIENCE_S)
            assert open_calls(world.first) == 1
    outcomes = world.first.metrics("transceiver")
    name = 'antiphon_transceiver_cluster_requests_total{cluster="2",outcome="unreachable"}'
    assert outcomes[name] == 1
