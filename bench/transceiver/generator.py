"""Many load clients in one event loop, each speaking at a phase of its own."""

import asyncio
import json
import random
import time
from dataclasses import dataclass, field

import aiohttp

from bench.measured_process import ProcessFailedError
from bench.transceiver.load_client import Habits, LoadClient
from bench.transceiver.speech import FRAME_MS
from transceiver.dtls import DtlsCertificate

FRAME_S = FRAME_MS / 1000
CHECK_FRAMES = 125
"""How often consent is renewed, and a report sent: each 2.5 s, as browsers do."""
CONNECT_SECONDS = 10.0
POLL_SECONDS = 0.001
CONNECTING_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Service:
    """Where calls are placed."""

    url: str
    api_key: str = ""


@dataclass(slots=True)
class Pace:
    """How well the schedule was kept: how late each frame was sent."""

    late_seconds: list[float] = field(default_factory=list)

    def share_later_than(self, seconds: float) -> float:
        late = sum(each > seconds for each in self.late_seconds)
        return late / len(self.late_seconds) if self.late_seconds else 0.0


class Generator:
    """Places calls, and speaks in all of them, until it is closed."""

    def __init__(self, service: Service, habits: Habits, *, lost_share: float = 0.0) -> None:
        """`lost_share` of the clients' frames are lost on their way, at random."""
        self.clients: list[LoadClient] = []
        self.pace = Pace()
        self._service = service
        self._habits = habits
        self._lost_share = lost_share
        self._certificate = DtlsCertificate()
        self._random = random.Random(1)
        self._speaking: asyncio.Task[None] | None = None

    async def place(self, calls: int) -> None:
        """Connect so many more calls. Raises ProcessFailedError when one does not connect."""
        at_once = asyncio.Semaphore(CONNECTING_AT_ONCE)

        async def place_one(http: aiohttp.ClientSession) -> None:
            async with at_once:
                client = self._new_client()
                self.clients.append(client)
                await connect(client, self._service, http)

        async with aiohttp.ClientSession() as http:
            await asyncio.gather(*(place_one(http) for _ in range(calls)))

    def start(self) -> None:
        """Begin to speak, in the calls that are connected."""
        self._speaking = asyncio.create_task(self._speak())

    def start_recording(self) -> None:
        """Note what happens from here on, and forget what was noted."""
        self.pace = Pace()
        for client in self.clients:
            client.arrivals.start()

    async def stop(self) -> None:
        """Fall silent. Raises what ended the speech, if anything did."""
        speaking, self._speaking = self._speaking, None
        if speaking is not None:
            speaking.cancel()
            await asyncio.wait([speaking])
            if not speaking.cancelled():
                speaking.result()

    async def close(self) -> None:
        """Hang up. Raises what ended the speech, if anything did."""
        await self.stop()
        for client in self.clients:
            disconnect(client)

    def _new_client(self) -> LoadClient:
        return LoadClient(
            self._certificate,
            self._habits,
            starts_at=self._random.randrange(len(self._habits.speech)),
            lose=lambda: self._random.random() < self._lost_share,
        )

    async def _speak(self) -> None:
        """A frame of each client every 20 ms, in the order of their phases, for ever."""
        schedule = [(self._random.random() * FRAME_S, client) for client in self.clients]
        schedule.sort(key=lambda each: each[0])
        round_at = time.monotonic()
        while True:
            for phase, client in schedule:
                due = round_at + phase
                if (wait := due - time.monotonic()) > 0:
                    await asyncio.sleep(wait)
                self.pace.late_seconds.append(time.monotonic() - due)
                client.speak()
                if client.sent % CHECK_FRAMES == 0:
                    client.check()
                    client.report()
            round_at += FRAME_S
            await asyncio.sleep(0)  # Who is behind all the time must still be told to stop.


async def connect(client: LoadClient, service: Service, http: aiohttp.ClientSession) -> None:
    """Place the client's call; its socket is then read by the loop.

    Raises ProcessFailedError when the service refuses it, or it does not connect.
    """
    client.answered(await _post(client, service, http))
    asyncio.get_running_loop().add_reader(client.socket, client.receive)
    deadline = time.monotonic() + CONNECT_SECONDS
    while not client.connected:
        if time.monotonic() > deadline:
            raise ProcessFailedError(f"a call did not connect in {CONNECT_SECONDS:g} s")
        await asyncio.sleep(POLL_SECONDS)


def disconnect(client: LoadClient) -> None:
    """Hang up, if the client ever connected."""
    asyncio.get_running_loop().remove_reader(client.socket)
    client.close()


async def _post(client: LoadClient, service: Service, http: aiohttp.ClientSession) -> str:
    """The answer's SDP."""
    url, headers = (
        f"{service.url}/v1/realtime/calls",
        {"Authorization": f"Bearer {service.api_key}"},
    )
    body: str | aiohttp.FormData = client.offer
    if client.name is None:
        headers["Content-Type"] = "application/sdp"
    else:
        session = {"type": "realtime", "instructions": client.name}
        body = aiohttp.FormData()
        body.add_field("sdp", client.offer, content_type="application/sdp")
        body.add_field("session", json.dumps(session), content_type="application/json")
    async with http.post(url, data=body, headers=headers) as response:
        text = await response.text()
        if response.status != 201:
            raise ProcessFailedError(f"refused a call: {response.status} {text[:200]}")
        return text
