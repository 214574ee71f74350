"""Two clusters, a worker each: clients come to the first, some of whose zones want the other."""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web
from msgspec import Raw

from antiphon_proto.realtime.session import RealtimeSession
from chassis.host_port import HostPort
from tests.transceiver.signaling.conftest import (
    ANSWER,
    API_KEY,
    CLUSTER_KEYS,
    NOW,
    OFFER,
    WORKER,
    Client,
    RecordedCalls,
    bearer,
    error_of,
    forwarding,
)
from transceiver.config import TransceiverConfig
from transceiver.regions.counters import ClusterOutcome, RegionCounters
from transceiver.regions.forward_mark import HEADER, ForwardMark, ForwardMarks
from transceiver.regions.zones import CurrentZones, Zones
from transceiver.regions.zones_file import parse_zones
from transceiver.replica_addresses import ReplicaAddresses
from transceiver.resumption.continuity import TakenUp
from transceiver.resumption.resume_token import ResumeClaim, ResumeTokens
from transceiver.resumption.snapshot import Snapshot
from transceiver.sdp import OfferError, OfferFault
from transceiver.signaling.api_keys import ApiKeys
from transceiver.signaling.authentication import Authenticator
from transceiver.signaling.call_id import CallIds
from transceiver.signaling.calls import CallRefusedError, RefusalReason
from transceiver.signaling.client_secret import ClientSecrets
from transceiver.signaling.http import signaling_app
from transceiver.signaling.sessions import Sessions
from transceiver.websocket_call import WebSocketCall
from transceiver.worker_resumption import WorkerResumption

CALLS = "/v1/realtime/calls"
SDP = {"Content-Type": "application/sdp"}
UPGRADE = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
UPGRADE |= {"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}
EUROPE, AMERICA = HostPort("203.0.113.7", 3478), HostPort("198.51.100.7", 3478)
ZONES = """\
trusted-proxies = ["127.0.0.1"]
zone-header = "X-Zone"
clusters.2.api = "{second}"
[zones]
europe = {{ clusters = [1, 2], relay = "203.0.113.7:3478", header-values = ["eu"] }}
america = {{ clusters = [2, 1], relay = "198.51.100.7:3478", header-values = ["us"] }}
canada = {{ clusters = [2], header-values = ["ca"] }}
"""


KEYS = ApiKeys([f"{API_KEY} requests-per-minute=1000"])
SECRETS = ClientSecrets(CLUSTER_KEYS)
LEFT = TakenUp(Snapshot(session=Raw(b"{}")))


class NoSessions(Sessions):
    """Opens none."""

    def __init__(self) -> None:
        self.asked: list[str | None] = []

    async def open(self, session: RealtimeSession, *_rest: object) -> WebSocketCall:
        self.asked.append(session.instructions)
        raise CallRefusedError(RefusalReason.AT_CAPACITY)

    def close_all(self) -> None:
        pass


@dataclass
class Cluster:
    """One's only worker."""

    number: int
    calls: RecordedCalls = field(default_factory=RecordedCalls)
    sessions: NoSessions = field(default_factory=NoSessions)
    zones: CurrentZones = field(default_factory=lambda: CurrentZones(Zones()))
    requests: list[web.Request] = field(default_factory=list)
    compresses: bool = False
    """As what is before its API may."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Cluster"]:
        config = TransceiverConfig(
            advertise=HostPort("127.0.0.1", 1),
            inference=ReplicaAddresses((HostPort("127.0.0.1", 1),)),
            cluster_keys="",
            cluster_id=self.number,
        )
        self.resumption = WorkerResumption(config, CLUSTER_KEYS, here=WORKER, siblings=[])
        workers, self.forwarding = forwarding(
            WORKER, self.calls.creators.__contains__, self.zones, self.number
        )
        app = signaling_app(
            self.calls,
            KEYS,
            SECRETS,
            lambda: None,
            workers,
            self.forwarding,
            sessions=self.sessions,
            resuming=self.resumption.resuming,
            clock=lambda: NOW,
        )
        app.middlewares.insert(0, self._note)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield self
        await runner.cleanup()

    @property
    def counters(self) -> RegionCounters:
        return self.forwarding.regions.counters

    @web.middleware
    async def _note(self, request: web.Request, handler: web.RequestHandler) -> web.StreamResponse:
        self.requests.append(request)
        response = await handler(request)
        if self.compresses:
            response.enable_compression()
        return response


@pytest.fixture
async def second() -> AsyncIterator[Cluster]:
    async with Cluster(2).running() as cluster:
        yield cluster


@pytest.fixture
async def first(second: Cluster) -> AsyncIterator[Cluster]:
    async with Cluster(1).running() as cluster:
        cluster.zones.become(parse_zones(ZONES.format(second=second.url), here=1))
        yield cluster


@pytest.fixture
async def client(first: Cluster) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession(first.url) as session:
        yield Client(session, bearer(API_KEY))


async def offered(client: Client, zone: str, **headers: str) -> aiohttp.ClientResponse:
    return await client.post(CALLS, data=OFFER, headers={**SDP, "X-Zone": zone, **headers})


def full(cluster: Cluster, reason: RefusalReason = RefusalReason.AT_CAPACITY) -> None:
    cluster.calls.failure = CallRefusedError(reason, retry_after_s=5)


async def test_a_call_is_made_here_where_its_zone_wants_it_here(
    client: Client, first: Cluster, second: Cluster
) -> None:
    assert (await offered(client, "eu")).status == 201
    assert (first.calls.offers, first.calls.relays) == ([OFFER], [EUROPE])
    assert second.requests == []
    assert first.counters.zones == {"europe": 1}


async def test_and_in_another_cluster_where_its_zone_wants_it_there(
    client: Client, first: Cluster, second: Cluster
) -> None:
    response = await offered(client, "us")
    assert (response.status, await response.text()) == (201, ANSWER)
    assert response.content_type == "application/sdp"
    assert response.headers["Location"] == f"{CALLS}/rtc_1"
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert (first.calls.offers, second.calls.offers) == ([], [OFFER])
    # The second cluster has no zones of its own: it is told.
    assert second.calls.relays == [AMERICA]
    assert first.counters.clusters == {(2, ClusterOutcome.ANSWERED): 1}


async def test_an_answer_that_comes_compressed_is_read(client: Client, second: Cluster) -> None:
    second.compresses = True
    response = await offered(client, "us")
    assert (response.status, await response.text()) == (201, ANSWER)


async def test_a_session_goes_along(client: Client, second: Cluster) -> None:
    form = aiohttp.FormData(default_to_multipart=True)
    form.add_field("sdp", OFFER)
    form.add_field("session", json.dumps({"type": "realtime", "instructions": "Grüße."}))
    response = await client.post(CALLS, data=form, headers={"X-Zone": "us"}, params={"model": "m"})
    assert response.status == 201
    [session] = second.calls.sessions
    assert (session.instructions, session.model) == ("Grüße.", "m")


async def test_a_client_secret_of_one_cluster_is_good_in_another(
    client: Client, second: Cluster
) -> None:
    body = {"session": {"type": "realtime", "instructions": "Be brief."}}
    made = await client.post("/v1/realtime/client_secrets", json=body)
    secret = (await made.json())["value"]
    assert (await offered(client.with_key(secret), "us")).status == 201
    assert second.calls.sessions[0].instructions == "Be brief."


async def test_who_has_no_key_reaches_no_other_cluster(client: Client, second: Cluster) -> None:
    response = await offered(client.with_key("sk-guess"), "us")
    assert (await error_of(response, 401))["code"] == "invalid_api_key"
    assert second.requests == []


async def test_only_a_trusted_proxy_says_where_a_client_is(
    client: Client, first: Cluster, second: Cluster
) -> None:
    first.zones.become(
        parse_zones(ZONES.format(second=second.url).replace('"127.0.0.1"', '"192.0.2.1"'), here=1)
    )
    assert (await offered(client, "us")).status == 201
    assert (first.calls.relays, second.requests) == ([None], [])


async def test_errors_of_an_offer_are_those_of_the_cluster(client: Client, second: Cluster) -> None:
    second.calls.failure = OfferError(OfferFault.FORMAT_CHANGED, "another format")
    error = await error_of(await offered(client, "us"), 400)
    assert (error["code"], error["message"]) == ("sdp_format_changed", "another format")


@pytest.mark.parametrize(
    "reason", [each for each in RefusalReason if each is not RefusalReason.RATE_LIMITED]
)
async def test_a_cluster_that_takes_no_calls_has_the_next_one_asked(
    client: Client, first: Cluster, second: Cluster, reason: RefusalReason
) -> None:
    full(first, reason)
    assert (await offered(client, "eu")).status == 201
    assert (second.calls.offers, second.calls.relays) == ([OFFER], [EUROPE])


async def test_a_worker_that_takes_no_calls_has_its_own_cluster_asked_first(
    client: Client, first: Cluster, second: Cluster
) -> None:
    """By its load balancer, which finds another worker."""
    full(first, RefusalReason.DRAINING)
    async with Cluster(1).running() as sibling:
        zones = f'clusters.1.api = "{sibling.url}"\n' + ZONES.format(second=second.url)
        first.zones.become(parse_zones(zones, here=1))
        assert (await offered(client, "eu")).status == 201
        assert (sibling.calls.relays, second.requests) == ([EUROPE], [])
        full(sibling)
        assert (await offered(client, "eu")).status == 201
    assert second.calls.relays == [EUROPE]


async def test_where_it_does_not_reach_itself_it_is_not_asked_for_a_while(
    client: Client, first: Cluster, second: Cluster
) -> None:
    full(first)
    zones = 'clusters.1.api = "http://127.0.0.1:9"\n' + ZONES.format(second=second.url)
    first.zones.become(parse_zones(zones, here=1))
    for _ in range(2):
        assert (await offered(client, "eu")).status == 201
    assert first.counters.clusters[1, ClusterOutcome.UNREACHABLE] == 1
    assert len(second.calls.offers) == 2


async def test_so_does_another_cluster_that_takes_none(
    client: Client, first: Cluster, second: Cluster
) -> None:
    full(second)
    assert (await offered(client, "us")).status == 201
    assert (first.calls.offers, first.calls.relays) == ([OFFER], [AMERICA])
    assert first.counters.clusters == {(2, ClusterOutcome.REFUSED): 1}


@pytest.mark.parametrize("zone", ["eu", "us"])
async def test_where_all_are_full_the_first_refusal_is_told(
    client: Client, first: Cluster, second: Cluster, zone: str
) -> None:
    full(first)
    full(second)
    response = await offered(client, zone)
    assert (await error_of(response, 503))["code"] == "at_capacity"
    assert response.headers["Retry-After"] == "5"
    assert len(second.requests) == 1


async def test_a_cluster_that_a_zone_does_not_list_never_has_its_calls(
    client: Client, first: Cluster, second: Cluster
) -> None:
    full(second)
    assert (await error_of(await offered(client, "ca"), 503))["code"] == "at_capacity"
    assert first.calls.offers == []


async def test_a_client_that_calls_too_often_is_not_sent_elsewhere(
    client: Client, first: Cluster, second: Cluster
) -> None:
    full(first, RefusalReason.RATE_LIMITED)
    assert (await error_of(await offered(client, "eu"), 429))["code"] == "rate_limit_exceeded"
    assert second.requests == []


async def test_a_cluster_that_is_gone_is_asked_last_for_a_while(
    client: Client, first: Cluster
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        gone = f"http://127.0.0.1:{bound.getsockname()[1]}"
    first.zones.become(parse_zones(ZONES.format(second=gone), here=1))
    for _ in range(3):
        assert (await offered(client, "us")).status == 201
    assert first.counters.clusters == {(2, ClusterOutcome.UNREACHABLE): 1}
    assert (await error_of(await offered(client, "ca"), 503))["code"] == "call_unreachable"


async def test_what_was_sent_on_once_is_not_sent_on_again(
    client: Client, first: Cluster, second: Cluster
) -> None:
    """Whatever each of them believes of the other's zones."""
    back = ZONES.format(second="http://127.0.0.1:9").replace("clusters.2", "clusters.1")
    back = back.replace("[1, 2]", "[1]").replace("[2, 1]", "[1]")
    second.zones.become(parse_zones(back.replace(":9", first.url.rpartition(":")[2]), here=2))
    assert (await offered(client, "us")).status == 201
    assert len(second.calls.offers) == 1
    assert len(first.requests) == 1


@pytest.mark.parametrize("mark", ["", "fwd_forged"])
async def test_a_mark_that_was_made_up_is_not_believed_and_keeps_the_call_here(
    client: Client, first: Cluster, second: Cluster, mark: str
) -> None:
    assert (await offered(client, "us", **{HEADER: mark})).status == 201
    assert (first.calls.relays, second.requests) == ([None], [])


async def test_requests_are_counted_where_the_client_came(client: Client, second: Cluster) -> None:
    response = await offered(client, "us")
    assert response.headers["x-ratelimit-remaining-requests"] == "999"
    mark = ForwardMarks(CLUSTER_KEYS).seal(ForwardMark(None, None), os.urandom(12))
    async with aiohttp.ClientSession(second.url) as session:
        there = await offered(Client(session, bearer(API_KEY)), "us", **{HEADER: mark})
    assert "x-ratelimit-remaining-requests" not in there.headers


async def test_a_trace_goes_on_in_the_other_cluster(client: Client, second: Cluster) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await offered(client, "us", traceparent=parent, Cookie="a=b")
    [request] = second.requests
    assert request.headers["traceparent"] == parent
    assert not {"Cookie", "X-Zone", "X-Forwarded-For"} & set(request.headers)


class AbroadCall:
    """A call of the second cluster, whose worker has the address of the first one's."""

    def __init__(self, cluster: Cluster) -> None:
        self.id = CallIds(CLUSTER_KEYS, cluster.number).mint(WORKER, os.urandom(12))
        cluster.calls.creators[self.id] = None


async def test_what_is_about_a_call_of_another_cluster_goes_there(
    client: Client, first: Cluster, second: Cluster
) -> None:
    call = AbroadCall(second)
    assert (await client.post(f"{CALLS}/{call.id}/hangup")).status == 200
    assert second.calls.hung_up == [call.id]
    response = await client.post(f"{CALLS}/{call.id}", data=OFFER, headers={**SDP, "X-Zone": "eu"})
    assert (response.status, await response.text()) == (200, ANSWER)
    # Its client may be nearer to another relay now.
    assert second.calls.relays == [EUROPE]
    accepted = await client.post(f"{CALLS}/{call.id}/reject", json={"status_code": 486})
    assert accepted.status == 200
    assert second.calls.sip == [(call.id, "reject", 486)]
    assert first.calls.hung_up == []


async def test_a_sideband_too(client: Client, second: Cluster) -> None:
    call = AbroadCall(second)
    socket = await client.session.ws_connect(
        f"/v1/realtime?call_id={call.id}", headers=client.authorization
    )
    await socket.send_str('{"type": "response.create"}')
    async with asyncio.timeout(10):
        while not second.calls.received:
            await asyncio.sleep(0.01)
    assert second.calls.received == [(1, b'{"type": "response.create"}')]
    await socket.close()


async def test_a_call_of_a_cluster_that_is_gone_is_out_of_reach_and_not_over(
    client: Client, first: Cluster, second: Cluster
) -> None:
    call = AbroadCall(second)
    first.zones.become(parse_zones(ZONES.format(second="http://127.0.0.1:9"), here=1))
    error = await error_of(await client.post(f"{CALLS}/{call.id}/hangup"), 503)
    assert error["code"] == "call_unreachable"


async def test_a_call_of_a_cluster_that_nobody_knows_is_none(client: Client) -> None:
    call = AbroadCall(Cluster(9))
    error = await error_of(await client.post(f"{CALLS}/{call.id}/hangup"), 404)
    assert error["code"] == "call_not_found"


def resume_token(cluster: Cluster) -> str:
    """Of a session that a worker of the cluster has, or had."""
    origin = Authenticator(KEYS, SECRETS, lambda: NOW).identify(f"Bearer {API_KEY}").origin
    claim = ResumeClaim("sess_1", WORKER, origin, 2**40, cluster.number)
    return ResumeTokens(CLUSTER_KEYS).mint(claim, os.urandom(12))


async def resumed(client: Client, cluster: Cluster) -> aiohttp.ClientResponse:
    query = {"resume": resume_token(cluster)}
    return await client.post(CALLS, params=query, data=OFFER, headers={**SDP, "X-Zone": "eu"})


async def test_a_session_that_is_resumed_goes_on_where_it_was(
    client: Client, first: Cluster, second: Cluster
) -> None:
    second.resumption.live.put_back("sess_1", LEFT)
    assert (await resumed(client, second)).status == 201
    assert (first.calls.offers, second.calls.relays) == ([], [EUROPE])


async def test_or_here_where_that_cluster_is_gone_and_something_of_it_is_here(
    client: Client, first: Cluster, second: Cluster
) -> None:
    first.resumption.live.put_back("sess_1", LEFT)
    first.zones.become(parse_zones(ZONES.format(second="http://127.0.0.1:9"), here=1))
    assert (await resumed(client, second)).status == 201
    assert first.calls.relays == [EUROPE]


async def test_where_nothing_is_it_may_be_asked_for_again(
    client: Client, first: Cluster, second: Cluster
) -> None:
    first.zones.become(parse_zones(ZONES.format(second="http://127.0.0.1:9"), here=1))
    assert (await error_of(await resumed(client, second), 503))["code"] == "call_unreachable"
    headers = {**client.authorization, **UPGRADE}
    path = f"/v1/realtime?resume={resume_token(second)}"
    async with client.session.get(path, headers=headers) as response:
        assert (await error_of(response, 503))["code"] == "call_unreachable"


async def test_a_session_that_another_cluster_forgot_is_over(
    client: Client, second: Cluster
) -> None:
    assert (await error_of(await resumed(client, second), 404))["code"] == "session_not_found"


async def test_a_session_over_a_websocket_goes_where_its_zone_wants_it(
    client: Client, first: Cluster, second: Cluster
) -> None:
    """Neither cluster of the test has room: each refuses, the zone's first one first."""
    headers = {**client.authorization, **UPGRADE}
    for zone, asked in ("us", [second, first]), ("ca", [second]), ("eu", [first, second]):
        for cluster in first, second:
            cluster.sessions.asked.clear()
        async with client.session.get(
            "/v1/realtime?model=echo", headers={**headers, "X-Zone": zone}
        ) as response:
            assert (await error_of(response, 503))["code"] == "at_capacity"
        assert {each.number for each in (first, second) if each.sessions.asked} == {
            each.number for each in asked
        }


async def test_zones_that_change_count_at_once(client: Client, first: Cluster) -> None:
    first.zones.become(Zones())
    assert (await offered(client, "us")).status == 201
    assert first.calls.relays == [None]
