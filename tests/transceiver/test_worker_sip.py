"""Two deployments call each other over loopback: one of two workers, and one of one."""

import asyncio
import contextlib
import datetime
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from sipmessage import URI, Address, Request

from antiphon.development_certificate import development_certificate
from antiphon_proto.cluster_keys import ClusterKeys
from chassis.bound_socket import bound_address
from chassis.host_port import HostPort
from tests.transceiver.sip.agents import Handler
from tests.transceiver.sip.transport_driver import KEYS, OTHER_KEYS, request
from transceiver.config import TransceiverConfig
from transceiver.replica_addresses import ReplicaAddresses
from transceiver.signaling.errors import error_middleware
from transceiver.sip.access import CurrentAccess, SipAccess
from transceiver.sip.application import Invitation, Reply
from transceiver.sip.flow import Flow, SipTransport
from transceiver.sip.gatekeeper import Caller
from transceiver.sip.invite_session import EndedBy, Ending, InviteHandler, InviteSession
from transceiver.sip.next_hop import NextHop
from transceiver.sip.phone_credentials import PhoneCredentials
from transceiver.sip.sip_config import SipConfig
from transceiver.sip.user_agent import UserAgent
from transceiver.sockets import TransceiverSockets, open_sockets
from transceiver.tls import TlsListener
from transceiver.worker_sip import WorkerSip

PATIENCE_S = 20.0
ANY_PORT = HostPort("127.0.0.1", 0)
TRUNKS = '[[trunks]]\nname = "loopback"\nnetworks = ["127.0.0.0/8", "::1"]\nuri = "sip:localhost"\n'
PHONES = "desk:antiphon:" + 32 * "0"
CALLS = 6


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not happened():
            await asyncio.sleep(0.005)


@dataclass
class Taking:
    """An application that takes every call."""

    calls: list[Handler] = field(default_factory=list)

    def invited(
        self, request: Request, caller: Caller, flow: Flow, session: InviteSession
    ) -> InviteHandler | Reply:
        handler = Handler("callee", session=session)
        self.calls.append(handler)
        asyncio.get_running_loop().call_soon(session.accept)
        return handler

    def registered(self, request: Request, caller: Caller, flow: Flow) -> Reply:
        return Reply(200)


@dataclass
class Deployment:
    """Its workers share this process."""

    workers: list[WorkerSip]
    agents: list[UserAgent]
    applications: list[Taking]
    port: dict[SipTransport, int]
    http: int
    registry: CollectorRegistry

    @property
    def calls(self) -> list[Handler]:
        return [call for each in self.applications for call in each.calls]

    def metric(self, name: str) -> float:
        lines = generate_latest(self.registry).decode().splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))


class Deployments:
    def __init__(self, stack: AsyncExitStack, directory: Path) -> None:
        self._stack = stack
        now = datetime.datetime.now(datetime.UTC)
        self._certificate = development_certificate(directory, ["localhost"], now)

    async def begin(self, workers: int, keys: ClusterKeys) -> Deployment:
        certificate, key = str(self._certificate.certificate), str(self._certificate.key)
        config = TransceiverConfig(
            http=ANY_PORT,
            admin=ANY_PORT,
            workers=workers,
            advertise=HostPort("127.0.0.1", 3478),
            inference=ReplicaAddresses.parse("127.0.0.1:1"),
            cluster_keys="",
            api_keys="",
            tls_certificate=certificate,
            tls_key=key,
            sip=ANY_PORT,
            sip_tls=ANY_PORT,
            sip_advertise=HostPort("localhost", 0),
            sip_tls_ca=certificate,
        )
        assert config.tls is not None
        sockets = self._stack.enter_context(contextlib.closing(open_sockets(config)))
        access = CurrentAccess(SipAccess(SipConfig.parse(TRUNKS), PhoneCredentials.parse(PHONES)))
        sips = [
            WorkerSip(config, _as_spawned(sockets), index, keys, access, TlsListener(config.tls))
            for index in range(workers)
        ]
        applications = [Taking() for _ in sips]
        agents = [sip.begin(each) for sip, each in zip(sips, applications, strict=True)]
        registry = CollectorRegistry()
        sips[0].register(registry, agents[0])
        for sip, peers in zip(sips, sockets.peers, strict=True):
            await self._serve([*sip.link.routes()], peers)
        await self._serve([*sips[0].routes()], sockets.http)
        for sip in sips:
            await self._stack.enter_async_context(sip.running())
        assert sockets.sip_streams is not None
        assert sockets.sip_tls is not None
        plain, secure = bound_address(sockets.sip_streams), bound_address(sockets.sip_tls)
        ports = {SipTransport.UDP: plain.port, SipTransport.TCP: plain.port}
        return Deployment(
            sips,
            agents,
            applications,
            {**ports, SipTransport.TLS: secure.port},
            bound_address(sockets.http).port,
            registry,
        )

    async def _serve(self, routes: list[web.RouteDef], listening: socket.socket) -> None:
        app = web.Application(middlewares=[error_middleware])
        app.add_routes(routes)
        runner = web.AppRunner(app, shutdown_timeout=0.2, handler_cancellation=True)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        await web.SockSite(runner, listening).start()


def _as_spawned(sockets: TransceiverSockets) -> TransceiverSockets:
    """With descriptors of its own, as a process has them."""
    assert sockets.sip_datagrams is not None
    assert sockets.sip_streams is not None
    assert sockets.sip_tls is not None
    return replace(
        sockets,
        sip_datagrams=sockets.sip_datagrams.dup(),
        sip_streams=sockets.sip_streams.dup(),
        sip_tls=sockets.sip_tls.dup(),
    )


@pytest.fixture
async def deployments(tmp_path: Path) -> AsyncIterator[Deployments]:
    async with AsyncExitStack() as stack:
        yield Deployments(stack, tmp_path)


@pytest.fixture
async def callee(deployments: Deployments) -> Deployment:
    return await deployments.begin(2, KEYS)


@pytest.fixture
async def caller(deployments: Deployments) -> Deployment:
    return await deployments.begin(1, OTHER_KEYS)


def call(caller: Deployment, callee: Deployment, transport: SipTransport) -> Handler:
    handler = Handler("caller")
    name = transport.value.lower()
    uri = URI.parse(f"sip:100@localhost:{callee.port[transport]};transport={name}")
    invitation = Invitation(
        call_id=caller.workers[0].names.call_id(),
        target=uri,
        caller=Address.parse("<sip:alice@localhost>"),
        hop=NextHop.of(uri),
    )
    handler.session = caller.agents[0].invite(invitation, handler)
    return handler


@pytest.mark.parametrize("transport", [SipTransport.UDP, SipTransport.TCP, SipTransport.TLS])
async def test_calls_are_taken_and_ended_by_either_side_whichever_worker_has_them(
    caller: Deployment, callee: Deployment, transport: SipTransport
) -> None:
    calls = [call(caller, callee, transport) for _ in range(CALLS)]
    await until(lambda: all("established" in each.heard for each in (*calls, *callee.calls)))
    assert len(callee.calls) == CALLS
    assert caller.metric("antiphon_transceiver_sip_sessions ") == CALLS
    for each in calls[: CALLS // 2]:
        each.call.hang_up()
    await until(lambda: sum(len(each.endings) for each in callee.calls) == CALLS // 2)
    for taken in callee.calls:
        taken.call.hang_up()
    await until(lambda: all(each.endings for each in (*calls, *callee.calls)))
    ended = [each.endings[0].by for each in calls]
    assert ended == [EndedBy.US] * (CALLS // 2) + [EndedBy.PEER] * (CALLS - CALLS // 2)
    assert callee.metric("antiphon_transceiver_sip_drops_total") == 0


@pytest.mark.parametrize("ends", ["caller", "callee"])
async def test_a_connection_that_breaks_in_mid_call_is_made_anew_by_who_has_something_to_say(
    caller: Deployment, callee: Deployment, ends: str
) -> None:
    calls = [call(caller, callee, SipTransport.TCP) for _ in range(CALLS)]
    await until(lambda: all("established" in each.heard for each in (*calls, *callee.calls)))
    for worker in (*caller.workers, *callee.workers):
        worker.end_connections()
    await until(lambda: caller.metric("antiphon_transceiver_sip_connections ") == 0)
    for each in calls if ends == "caller" else callee.calls:
        each.call.hang_up()
    others = callee.calls if ends == "caller" else calls
    await until(lambda: all(each.endings for each in others))
    assert {each.endings[0] for each in others} == {Ending(EndedBy.PEER)}


async def test_both_workers_of_a_host_get_calls_that_come_by_one_connection(
    caller: Deployment, callee: Deployment
) -> None:
    calls = [call(caller, callee, SipTransport.TCP) for _ in range(20)]
    await until(lambda: all("established" in each.heard for each in calls))
    assert all(each.calls for each in callee.applications)
    assert caller.metric("antiphon_transceiver_sip_connections") < 4


@pytest.mark.parametrize("transport", [SipTransport.UDP, SipTransport.TCP])
async def test_nobody_is_there(caller: Deployment, transport: SipTransport) -> None:
    with socket.socket(type=socket.SOCK_STREAM) as nobody:
        nobody.bind(("127.0.0.1", 0))
        gone = Deployment([], [], [], {transport: nobody.getsockname()[1]}, 0, CollectorRegistry())
    handler = call(caller, gone, transport)
    if transport is SipTransport.UDP:
        handler.call.hang_up()
        return
    await until(lambda: bool(handler.endings))
    assert handler.endings[0].by is not EndedBy.US


async def test_a_host_that_is_not_known_is_not_waited_for(caller: Deployment) -> None:
    handler = Handler("caller")
    uri = URI.parse("sip:100@nowhere.invalid:5060")
    invitation = Invitation(
        call_id=caller.workers[0].names.call_id(),
        target=uri,
        caller=Address.parse("<sip:alice@localhost>"),
        hop=NextHop.of(uri),
    )
    handler.session = caller.agents[0].invite(invitation, handler)
    await until(lambda: bool(handler.endings))
    assert caller.metric('antiphon_transceiver_sip_drops_total{reason="not_located"}') == 1


@pytest.mark.parametrize("ends", ["caller", "callee"])
async def test_the_end_of_a_deployment_ends_its_calls(tmp_path: Path, ends: str) -> None:
    async with AsyncExitStack() as outer, AsyncExitStack() as inner:
        for side in ("caller", "callee"):
            (tmp_path / side).mkdir()
        stacks = (inner, outer) if ends == "caller" else (outer, inner)
        caller = await Deployments(stacks[0], tmp_path / "caller").begin(1, OTHER_KEYS)
        callee = await Deployments(stacks[1], tmp_path / "callee").begin(2, KEYS)
        calls = [call(caller, callee, SipTransport.TCP) for _ in range(4)]
        await until(lambda: all("established" in each.heard for each in calls))
        await until(lambda: all("established" in each.heard for each in callee.calls))
        assert len(callee.calls) == 4
        await inner.aclose()
        left = callee.calls if ends == "caller" else calls
        await until(lambda: all(each.endings for each in left))
        assert {each.endings[0] for each in left} == {Ending(EndedBy.PEER)}


async def test_a_browser_is_served_at_the_http_port(callee: Deployment) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"http://127.0.0.1:{callee.http}/sip", protocols=["sip"]) as connection,
    ):
        await connection.send_str(request("INVITE").decode())
        answer = await connection.receive_str(timeout=PATIENCE_S)
        assert answer.startswith("SIP/2.0 401 "), "it is no trunk, though it comes from one's host"
