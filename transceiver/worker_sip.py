"""All of a worker that carries SIP messages and knows who sends them, put together."""

import asyncio
import contextlib
import math
import random
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from aiohttp import web
from prometheus_client import CollectorRegistry
from sipmessage import URI

from antiphon_proto.address import family_of
from antiphon_proto.cluster_keys import ClusterKeys
from chassis.bound_socket import bound_address
from transceiver.config import TransceiverConfig
from transceiver.sip.access import CurrentAccess
from transceiver.sip.access_control import AccessControl
from transceiver.sip.access_metrics import AccessCollector
from transceiver.sip.advertised import Advertised
from transceiver.sip.application import Application
from transceiver.sip.client_tls import ClientTls
from transceiver.sip.contained_agent import ContainedAgent
from transceiver.sip.datagrams import Datagrams
from transceiver.sip.dns_records import Resolver
from transceiver.sip.exchange import Exchange
from transceiver.sip.flow import Flow, SipTransport
from transceiver.sip.location import chosen_hop
from transceiver.sip.message_router import MessageRouter
from transceiver.sip.next_hop import NextHop
from transceiver.sip.outgoing import Outgoing
from transceiver.sip.registrations import RegistrationNewsError
from transceiver.sip.sip_counters import SipCounters
from transceiver.sip.sip_metrics import SipCollector
from transceiver.sip.sip_names import SipNames
from transceiver.sip.streams import serve_streams
from transceiver.sip.user_agent import UserAgent
from transceiver.sip.websocket import SipWebSockets
from transceiver.sip.worker_link import WorkerLink
from transceiver.sip.worker_parcels import LetterSeal
from transceiver.sockets import TransceiverSockets
from transceiver.tls import TlsListener

TICK_S = 0.05
"""Resolution of the timers of transactions, the shortest of which is 0.5 s."""
IDLE_TICK_S = 0.25
"""How soon a timer is noticed after none was running: before it is due."""
SWEEP_S = 1.0

CLOSING_S = 0.02
"""For connections that were cut to be told of."""

LAST_MESSAGES_S = 0.3
"""For what is said at the end to get to the workers that have the connections."""


class WorkerSip:
    """`begin` it with an application, then serve `running`."""

    def __init__(
        self,
        config: TransceiverConfig,
        sockets: TransceiverSockets,
        index: int,
        keys: ClusterKeys,
        access: CurrentAccess,
        tls: TlsListener | None,
    ) -> None:
        workers = [each.getsockname()[:2] for each in sockets.tunnels]
        here = workers[index]
        self._config = config
        self._tls = tls
        self._sockets = sockets
        self._datagrams = Datagrams(sockets.sip_datagrams) if sockets.sip_datagrams else None
        self._counters = SipCounters()
        self._seal = LetterSeal(keys)
        self._router = MessageRouter(keys, here, workers, config.cluster_id)
        self.names = SipNames(keys, here, secrets.token_bytes, config.cluster_id)
        self.advertised = _advertised(config, sockets)
        self.access = AccessControl(access, tell=self._broadcast, random=secrets.token_bytes)
        self._access = access
        self.link = WorkerLink(
            self._seal,
            here,
            arrived=lambda sender, parcel: self._exchange.parcel(sender, parcel),
            undelivered=lambda *what: self._exchange.undelivered(*what),
            random=secrets.token_bytes,
            unix_time=time.time,
        )
        self._exchange = Exchange(
            self._router,
            here,
            workers,
            send_datagram=self._datagrams.send if self._datagrams else lambda _data, _remote: False,
            tell=self.link.tell,
            later=self._later,
            knows=self._knows,
            heard_news=self._learn,
            clock=time.monotonic,
            counters=self._counters,
        )
        self._dns = Resolver()
        self._outgoing = Outgoing(
            self._exchange,
            self._dns,
            udp_family=family_of(bound_address(sockets.sip_datagrams).host)
            if sockets.sip_datagrams
            else None,
            tls=ClientTls(config.sip_tls_ca, time.monotonic),
            undeliverable=lambda message: self._agent.undeliverable(message),
        )
        self.websockets = SipWebSockets(self._exchange, config.allowed_origins)

    def begin(self, application: Application) -> UserAgent:
        """The user agent of this worker, whose requests are for `application`."""
        agent = UserAgent(
            application,
            self.access.gatekeeper,
            self.names,
            self.advertised.sent_by,
            self._send,
            clock=time.monotonic,
            random=random.random,
        )
        self._agent = ContainedAgent(agent, self._forget, self._counters, time.monotonic)
        self._exchange.receiver = self._agent
        return agent

    def register(self, registry: CollectorRegistry, agent: UserAgent) -> None:
        """Have its metrics among those, and those of what `begin` returned."""
        collector = SipCollector(
            self._counters,
            connections=lambda: self._exchange.open_connections,
            transactions=lambda: agent.transaction_count,
            sessions=lambda: agent.session_count,
        )
        registry.register(collector)
        registry.register(AccessCollector(self.access))

    def use_keys(self, keys: ClusterKeys) -> None:
        self._seal.use_keys(keys)
        self._router.use_keys(keys)
        self.names.use_keys(keys)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Messages come and go within; sessions that are left then are ended.

        Raises ExceptionGroup when its clock fails: without it no transaction ends.
        """
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.link.connected())
            stack.callback(self._outgoing.close)
            await self._listen(stack)
            self.access.registrations.ask()
            async with asyncio.TaskGroup() as tasks:
                tending = tasks.create_task(self._tend())
                try:
                    yield
                finally:
                    tending.cancel()
                    self._agent.hang_up_all()
                    await self._say_the_last()

    def end_connections(self) -> None:
        """Cut all; peers make them anew where they need them."""
        self._exchange.end_connections()

    def routes(self) -> list[web.RouteDef]:
        """Of the public HTTP port."""
        return self.websockets.routes()

    async def chosen_hop(self, uri: URI) -> NextHop:
        """Whereto a request for this URI goes. Raises ValueError as `NextHop.of` does."""
        return await chosen_hop(uri, self._dns)

    async def _listen(self, stack: AsyncExitStack) -> None:
        stack.callback(self._exchange.end_connections)
        if self._datagrams is not None:
            self._datagrams.start(self._exchange.datagram)
            stack.callback(self._datagrams.close)
        for transport, listening, tls in (
            (SipTransport.TCP, self._sockets.sip_streams, None),
            (SipTransport.TLS, self._sockets.sip_tls, self._tls.context if self._tls else None),
        ):
            if listening is not None:
                server = await serve_streams(self._exchange, transport, listening, tls)
                stack.callback(server.close)

    async def _say_the_last(self) -> None:
        """Until it has left; siblings that end, too, say theirs by connections of this worker."""
        waiting = [self._outgoing.drained(LAST_MESSAGES_S), self.link.drained(LAST_MESSAGES_S)]
        if self._exchange.open_connections:
            waiting.append(asyncio.sleep(LAST_MESSAGES_S))
        await asyncio.gather(*waiting)
        # Siblings that go on have to hear that the connections are gone.
        self._exchange.end_connections()
        await asyncio.sleep(CLOSING_S)
        await self.link.drained(LAST_MESSAGES_S)

    async def _tend(self) -> None:
        swept_at = time.monotonic()
        while True:
            await asyncio.sleep(TICK_S if self._agent.due_at < math.inf else IDLE_TICK_S)
            self._agent.tick()
            now = time.monotonic()
            if now - swept_at >= SWEEP_S:
                swept_at = now
                self._exchange.sweep()
                self.access.registrations.tick(now)

    def _forget(self, flow: Flow) -> None:
        self._outgoing.lost(flow)
        self.access.registrations.end_flow(flow, time.monotonic())

    def _send(self, message: bytes, to: Flow | NextHop) -> None:
        if isinstance(to, Flow):
            self._exchange.send(message, to)
        else:
            self._outgoing.send(message, to)

    def _knows(self, flow: Flow) -> bool:
        if self._access.now.trunk_at(flow.remote[0]) is not None:
            return True
        return self.access.registrations.knows(flow, time.monotonic())

    def _broadcast(self, news: bytes) -> None:
        self._exchange.broadcast(news)

    def _learn(self, news: bytes) -> None:
        with contextlib.suppress(RegistrationNewsError):
            self.access.registrations.learn(news)

    def _later(self, call: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_soon(call)


def _advertised(config: TransceiverConfig, sockets: TransceiverSockets) -> Advertised:
    wish = config.sip_advertise
    ports: dict[SipTransport, int] = {}
    if sockets.sip_streams is not None:
        port = (wish.port if wish else 0) or bound_address(sockets.sip_streams).port
        ports = {SipTransport.UDP: port, SipTransport.TCP: port}
    if sockets.sip_tls is not None:
        ports[SipTransport.TLS] = bound_address(sockets.sip_tls).port
    http = SipTransport.WS if config.tls is None else SipTransport.WSS
    ports[http] = bound_address(sockets.http).port
    return Advertised(wish.host if wish else config.advertise.host, ports)
