"""The real application on a loopback port, before a stand-in for the rest of the transceiver."""

import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from antiphon_proto.address import Address
from antiphon_proto.cluster_keys import ClusterKeys
from antiphon_proto.realtime.session import RealtimeSession
from chassis.host_port import HostPort
from transceiver.audience import Audience
from transceiver.regions.counters import RegionCounters
from transceiver.regions.zones import CurrentZones, Zones
from transceiver.resumption.continuity import TakenUp
from transceiver.resumption.resume_token import Origin
from transceiver.sdp import parse_offer
from transceiver.sideband import Sideband, SidebandHost
from transceiver.signaling.api_keys import ApiKey, ApiKeys
from transceiver.signaling.calls import CallNotFoundError, CreatedCall, WantedCall
from transceiver.signaling.client_secret import ClientSecrets
from transceiver.signaling.cluster_forwarding import ClusterForwarding
from transceiver.signaling.forwarding import CallForwarding
from transceiver.signaling.http import signaling_app
from transceiver.signaling.key_usage import KeyUsage
from transceiver.signaling.regions import Regions

VECTORS = Path(__file__).parents[2] / "vectors"
OFFER = (VECTORS / "offer_chromium156_audio_dc.sdp").read_bytes().decode()
API_KEY = "sk-test-0123456789"
ANSWER = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
CLUSTER_KEYS = ClusterKeys.parse(f"0 ipv4 {'a1' * 32}")
WORKER: Address = ("127.0.0.1", 4)
"""In the ids of the server's own calls."""
NOW = 1_800_000_000.25


@dataclass
class RecordedCalls:
    """A CallFactory that reads offers as the real one does and remembers what it was asked."""

    offers: list[str] = field(default_factory=list)
    sessions: list[RealtimeSession] = field(default_factory=list)
    creators: dict[str, bytes | None] = field(default_factory=dict)
    """By call id."""
    renegotiated: list[tuple[str, str]] = field(default_factory=list)
    relays: list[HostPort | None] = field(default_factory=list)
    """That clients were to be told of."""
    sip: list[tuple[str | int, ...]] = field(default_factory=list)
    """What SIP calls were told: the call, what, and by which."""
    wanted: list[WantedCall] = field(default_factory=list)
    """To be called by SIP."""
    hung_up: list[str] = field(default_factory=list)
    audience: Audience = field(default_factory=Audience)
    """Of all calls."""
    joined: list[int] = field(default_factory=list)
    received: list[tuple[int, bytes]] = field(default_factory=list)
    """From sidebands."""
    endings: list[Callable[[], None]] = field(default_factory=list)
    """Of the calls that were made, to be called when they are over."""
    failure: Exception | None = None

    @property
    def sidebands(self) -> SidebandHost:
        def receive(number: int, event: bytes) -> None:
            self.received.append((number, event))

        return SidebandHost(self.joined.append, receive, self.audience.remove)

    async def create_call(
        self,
        offer_sdp: str,
        session: RealtimeSession,
        creator: bytes | None,
        on_end: Callable[[], None],
        origin: Origin | None = None,
        taken_up: TakenUp | None = None,
        relay: HostPort | None = None,
    ) -> CreatedCall:
        self.relays.append(relay)
        if self.failure:
            raise self.failure
        parse_offer(offer_sdp)
        self.offers.append(offer_sdp)
        self.sessions.append(session)
        self.endings.append(on_end)
        call_id = f"rtc_{len(self.offers)}"
        self.creators[call_id] = creator
        return CreatedCall(call_id, answer_sdp=ANSWER)

    async def place_call(
        self,
        wanted: WantedCall,
        session: RealtimeSession,
        key: ApiKey,
        on_end: Callable[[], None],
    ) -> str:
        if self.failure:
            raise self.failure
        self.wanted.append(wanted)
        self.sessions.append(session)
        self.endings.append(on_end)
        return "rtc_out"

    def creator(self, call_id: str) -> bytes | None:
        if call_id not in self.creators:
            raise CallNotFoundError
        return self.creators[call_id]

    def renegotiate(self, call_id: str, offer_sdp: str, relay: HostPort | None = None) -> str:
        self.relays.append(relay)
        if self.failure:
            raise self.failure
        parse_offer(offer_sdp)
        self.renegotiated.append((call_id, offer_sdp))
        return ANSWER

    def sideband(self, call_id: str) -> Sideband:
        self.creator(call_id)
        return self.audience.admit(self.sidebands)

    async def accept(self, call_id: str, session: RealtimeSession) -> None:
        self._asked(call_id, "accept", session.instructions)

    def reject(self, call_id: str, status_code: int) -> None:
        self._asked(call_id, "reject", status_code)

    def refer(self, call_id: str, target_uri: str) -> None:
        self._asked(call_id, "refer", target_uri)

    def _asked(self, *what: str | int) -> None:
        if self.failure:
            raise self.failure
        self.sip.append(what)

    def hang_up(self, call_id: str) -> None:
        if self.failure:
            raise self.failure
        self.hung_up.append(call_id)


@dataclass
class Clock:
    """Wall-clock time that a test may move."""

    now: float = NOW

    def __call__(self) -> float:
        return self.now


@dataclass
class Client:
    """Speaks to the server as one holder of a key."""

    session: aiohttp.ClientSession
    authorization: dict[str, str]

    async def post(self, path: str, **request: Any) -> aiohttp.ClientResponse:
        headers = {**self.authorization, **request.pop("headers", {})}
        async with self.session.post(path, headers=headers, **request) as response:
            await response.read()
            return response

    async def get(self, path: str, **request: Any) -> aiohttp.ClientResponse:
        headers = {**self.authorization, **request.pop("headers", {})}
        async with self.session.get(path, headers=headers, **request) as response:
            await response.read()
            return response

    def with_key(self, key: str) -> "Client":
        return Client(self.session, bearer(key))


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


async def error_of(response: aiohttp.ClientResponse, status: int) -> dict[str, str | None]:
    """The members of an OpenAI-shaped error; its status must be the expected one."""
    assert response.status == status
    assert response.content_type == "application/json"
    body = await response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"message", "type", "param", "code"}
    assert body["error"]["message"]
    return body["error"]


@dataclass
class Server:
    """The application, where it listens, and what it stands on."""

    url: str
    runner: web.AppRunner
    calls: RecordedCalls
    clock: Clock
    keys: ApiKeys
    unready: str | None = None


def forwarding(
    worker: Address,
    here: Callable[[str], bool],
    zones: CurrentZones | None = None,
    cluster_id: int = 0,
) -> tuple[CallForwarding, ClusterForwarding]:
    """To other workers, and to the other clusters of `zones`."""
    regions = Regions(
        cluster_id, zones or CurrentZones(Zones()), CLUSTER_KEYS, RegionCounters(), os.urandom
    )
    workers = CallForwarding(CLUSTER_KEYS, worker, here, regions)
    clusters = ClusterForwarding(
        regions,
        CLUSTER_KEYS,
        workers.websockets,
        clock=time.monotonic,
    )
    return workers, clusters


@asynccontextmanager
async def running_server() -> AsyncIterator[Server]:
    calls, clock, keys = RecordedCalls(), Clock(), ApiKeys([API_KEY])
    app = signaling_app(
        calls,
        keys,
        ClientSecrets(CLUSTER_KEYS),
        lambda: running.unready,
        *forwarding(WORKER, calls.creators.__contains__),
        usage=KeyUsage(clock),
        clock=clock,
    )
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    running = Server(f"http://{host}:{port}", runner, calls, clock, keys)
    yield running
    await runner.cleanup()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with running_server() as running:
        yield running


@pytest.fixture
async def client(server: Server) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession(server.url) as session:
        yield Client(session, bearer(API_KEY))
