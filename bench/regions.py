"""`python -m bench.regions`: what a call costs whose signaling, media and owner are far apart.

Two clusters in network namespaces, with a cable of 40 ms each way between them. All callers are
near the second one and post to the first: outsiders' media goes all the way to its relay,
travellers' by the near relay to it (Global Relay), and neighbours' calls are made near them. Needs
root. Times are medians.
"""

import asyncio
import sys
import tempfile
from pathlib import Path
from statistics import median

import aiohttp

from antiphon.call import session_config
from antiphon.realtime_call import RealtimeCall
from bench.tables import as_text
from tests.e2e.namespaces import Namespace
from tests.e2e.regions.round_trips import round_trips_ms
from tests.e2e.regions.world import CABLE_MS, World, two_regions, why_no_regions

CALLS, ROUND_TRIPS = 10, 50
PATIENCE_S = 30.0
OFFER = Path(__file__).parents[1] / "tests/vectors/offer_chromium156_audio_dc.sdp"


async def answer_ms(http: aiohttp.ClientSession) -> list[float]:
    """From offers to their answers, over a connection that is there."""
    loop, times, offer = asyncio.get_running_loop(), [], OFFER.read_bytes()
    for _ in range(CALLS + 1):
        began_at = loop.time()
        headers = {"Content-Type": "application/sdp"}
        async with http.post(
            "/v1/realtime/calls?model=echo", data=offer, headers=headers
        ) as response:
            response.raise_for_status()
            await response.read()
        times.append((loop.time() - began_at) * 1000)
        async with http.post(f"{response.headers['Location']}/hangup") as hung_up:
            hung_up.raise_for_status()
    return times[1:]


async def event_ms(http: aiohttp.ClientSession) -> list[float]:
    """From an event of a WebSocket to its answer."""
    loop, times = asyncio.get_running_loop(), []
    async with http.ws_connect("/v1/realtime?model=echo") as socket:
        for _ in range(ROUND_TRIPS):
            began_at = loop.time()
            await socket.send_json({"type": "session.update", "session": {"type": "realtime"}})
            while (await socket.receive_json())["type"] != "session.updated":
                pass
            times.append((loop.time() - began_at) * 1000)
    return times


async def measure(world: World) -> list[str]:
    """The figures of one kind of caller."""
    async with world.api() as http:
        answers, events = await answer_ms(http), await event_ms(http)
    async with RealtimeCall() as call:
        await call.place(world.first.url, world.api_key, session_config("echo"))
        media = await round_trips_ms(call, ROUND_TRIPS, PATIENCE_S)
    return [f"{median(times):.1f}" for times in (answers, media, events)]


def measured(world: World, caller: Namespace) -> list[str]:
    with caller.entered():
        return asyncio.run(measure(world))


def main() -> int:
    if why_not := why_no_regions():
        print(f"bench.regions: {why_not}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder, two_regions(Path(folder)) as world:
        rows = [
            ["relay", "owner", "offer to answer", "media", "WebSocket"],
            ["far", "far", *measured(world, world.outsider)],
            ["near", "far", *measured(world, world.traveller)],
            ["near", "near", *measured(world, world.neighbour)],
        ]
    print(f"ms there and back, {2 * CABLE_MS} ms of them for the cable; signaling arrives far away")
    print(as_text(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
