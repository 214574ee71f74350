"""Two clusters with a long cable between them, and callers who live near the second one.

Their signaling reaches the first cluster, wherever their zone then has the call and its media.
"""

import asyncio
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from antiphon.call import session_config
from antiphon.realtime_call import RealtimeCall
from antiphon_proto.cluster_keys import ClusterKeys
from tests.e2e.echo import hears_an_echo
from tests.e2e.namespaces import Namespace, Network, why_no_namespaces
from tests.e2e.regions.delay_line import DEVICE, open_end
from tests.e2e.regions.region import Region, Secrets, stopping
from tests.e2e.running_deployment import wait_until

CABLE_MS = 40
"""One way."""
ROUND_TRIPS = 10
PATIENCE_S = 30.0
CALLS = "/v1/realtime/calls"
OPEN_CALLS = 'antiphon_transceiver_calls{transport="webrtc"}'
OPEN_WEBSOCKETS = 'antiphon_transceiver_calls{transport="websocket"}'
TRAVELLER, NEIGHBOUR = "10.71.3.2", "10.71.4.2"
ZONES = """\
[clusters]
1.api = "http://10.71.1.1:8080"
2.api = "http://10.71.2.1:8080"

[zones.travellers]                  # whose data stays in the first cluster
clusters = [1]
relay = "10.71.2.1:3478"
networks = ["10.71.3.0/24"]

[zones.neighbours]
clusters = [2, 1]
relay = "10.71.2.1:3478"
networks = ["10.71.4.0/24"]
"""

why_not = why_no_namespaces("sysctl")
if not why_not and not Path("/dev/net/tun").exists():
    why_not = "no /dev/net/tun"
pytestmark = pytest.mark.skipif(bool(why_not), reason=f"no two regions: {why_not}")


class World:
    """The first region, the cable, the second one, and two callers' networks behind it."""

    def __init__(self, network: Network, folder: Path, log: int) -> None:
        self.log = log
        self._secrets = Secrets(folder / "cluster.keys", folder / "api.keys")
        self._secrets.cluster_keys.write_text(ClusterKeys.generate(secrets.token_bytes(32)))
        self.api_key = f"sk-{secrets.token_urlsafe(24)}"
        self._secrets.api_keys.write_text(self.api_key)
        self._zones = folder / "zones.toml"
        self._zones.write_text(ZONES)
        self.first = Region(network.namespace("first"), 1, self._secrets, log)
        self.second = Region(network.namespace("second"), 2, self._secrets, log)
        self._lay_cable()
        self.traveller = self._caller(network, "traveller", TRAVELLER)
        self.neighbour = self._caller(network, "neighbour", NEIGHBOUR)

    def start(self) -> None:
        for region in (self.first, self.second):
            region.start(self._zones)
        for region in (self.first, self.second):
            region.wait_until_ready()

    def api(self) -> aiohttp.ClientSession:
        """To the first cluster."""
        headers = {"Authorization": f"Bearer {self.api_key}"}
        return aiohttp.ClientSession(self.first.url, headers=headers)

    def stop_cable(self) -> None:
        self._cable.kill()
        self._cable.wait()

    def _lay_cable(self) -> None:
        ends = [
            open_end(self.first.namespace, "10.71.0.1", "10.71.0.2"),
            open_end(self.second.namespace, "10.71.0.2", "10.71.0.1"),
        ]
        command = [sys.executable, "-m", "tests.e2e.regions.delay_line"]
        self._cable = subprocess.Popen([*command, *map(str, ends), str(CABLE_MS)], pass_fds=ends)
        for end in ends:
            os.close(end)
        self.first.namespace.ip(f"route add default dev {DEVICE} src {self.first.host}")
        self.second.namespace.ip(f"route add 10.71.1.0/24 dev {DEVICE} src {self.second.host}")
        self.second.namespace.forward()

    def _caller(self, network: Network, name: str, address: str) -> Namespace:
        caller = network.namespace(name)
        gateway = address.removesuffix("2") + "1"
        network.link(caller, f"{address}/24", self.second.namespace, f"{gateway}/24")
        caller.ip(f"route add default via {gateway}")
        return caller


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("regions")
    log = (folder / "log").open("w+")
    with Network() as network:
        world = World(network, folder, log.fileno())
        with stopping(world.first, world.second):
            try:
                world.start()
                yield world
            finally:
                world.stop_cable()
                log.seek(0)
                print(log.read(), file=sys.stderr)  # shown with a failed test
                log.close()


async def place(world: World, call: RealtimeCall) -> None:
    """Whoever calls posts to the first cluster."""
    await call.place(world.first.url, world.api_key, session_config("echo"))


async def round_trip_ms(call: RealtimeCall) -> float:
    """The shortest time from an event to its answer, both by the path of the media."""
    loop = asyncio.get_running_loop()
    times = []
    for _ in range(ROUND_TRIPS):
        since, sent_at = len(call.events), loop.time()
        call.send({"type": "session.update", "session": {"type": "realtime"}})
        updated = await call.event("session.updated", since=since, timeout_s=PATIENCE_S)
        times.append((updated.at - sent_at) * 1000)
    return min(times)


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
            milliseconds = await round_trip_ms(call)
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
            milliseconds = await round_trip_ms(call)
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
