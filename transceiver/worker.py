"""One transceiver worker: a process with one event loop, one UDP socket and its calls."""

import asyncio
import gc
import logging
import math
import random
import secrets
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from multiprocessing.connection import Connection
from typing import Protocol

import uvloop
from aiohttp import web
from prometheus_client import CollectorRegistry

from antiphon_proto.cluster_keys import ClusterKeys
from chassis.admin import serve_admin
from chassis.logs import configure_logging
from transceiver.admission import Admission
from transceiver.announcer import Announcer
from transceiver.audio.encoder_policy import EncoderPolicy
from transceiver.call_environment import CallEnvironment
from transceiver.call_table import CallTable
from transceiver.config import TransceiverConfig
from transceiver.counters import CallCounters, TrunkCounters, TunnelCounters
from transceiver.load_meter import SAMPLE_S, LoadMeter
from transceiver.mcp.client import McpClient
from transceiver.mcp.counters import McpCounters
from transceiver.mcp.metrics import McpCollector
from transceiver.media_loop import MediaLoop
from transceiver.metrics import (
    ProbeSeconds,
    RelayWorkersCollector,
    ReplicaCollector,
    TurnLatency,
    WorkerCollector,
)
from transceiver.relay_directory import RelayDirectory
from transceiver.replica_pool import ReplicaPool
from transceiver.resumption_metrics import ResumptionCollector
from transceiver.signaling.api_keys import ApiKeys, KeyLimits
from transceiver.signaling.client_secret import ClientSecrets
from transceiver.signaling.forwarding import CallForwarding
from transceiver.signaling.http import forwarded_app, signaling_app
from transceiver.signaling.key_usage import KeyUsage
from transceiver.signaling.request_rate import Allowance
from transceiver.sockets import TransceiverSockets
from transceiver.thread_clock import ThreadClock
from transceiver.tls import TlsListener
from transceiver.tunnel_endpoint import TunnelEndpoint
from transceiver.webhooks.delivery import WebhookCounters
from transceiver.webhooks.metrics import WebhookCollector
from transceiver.webhooks.sender import WebhookSender
from transceiver.websocket_calls import WebSocketCalls
from transceiver.worker_lives import Drain, Order, RenewTls, WorkerLife
from transceiver.worker_resumption import WorkerResumption

logger = logging.getLogger(__name__)

GC_ALLOCATIONS = 50_000
"""Between two collections of the youngest: a loaded worker makes as many in a second."""

WEBSOCKET_TICK_S = 0.1
"""Resolution of the deadlines of sessions over WebSockets."""

RELAY_TICK_S = 0.010
"""Resolution of the probes of relays."""

DRAIN_LOOK_S = 0.1
"""How often a worker that drains looks whether calls are left."""


class KeyUser(Protocol):
    """Something that mints, seals or signs with the cluster's keys."""

    def use_keys(self, keys: ClusterKeys) -> None: ...


def run_worker(
    config: TransceiverConfig,
    sockets: TransceiverSockets,
    started: Connection,
    index: int,
    life: WorkerLife,
) -> None:
    """Serve until SIGTERM; sends `index` on `started` once calls are taken."""
    configure_logging(f"transceiver-{index}", config.log_level)
    worker = Worker(config, sockets, index, life)
    uvloop.run(worker.serve(lambda: started.send(index)))


class Worker:
    """Joins one worker's cores to its sockets, its trunk and its clock."""

    def __init__(
        self,
        config: TransceiverConfig,
        sockets: TransceiverSockets,
        index: int,
        life: WorkerLife,
    ) -> None:
        self._config = config
        self._life = life
        self._api_keys = life.api_keys
        self._tls = TlsListener(config.tls) if config.tls else None
        self._http_socket = sockets.http
        self._tunnel_socket = sockets.tunnels[index]
        self._peer_socket = sockets.peers[index]
        workers = [tunnel.getsockname()[:2] for tunnel in sockets.tunnels]
        self._resumption = WorkerResumption(
            config, life.keys, here=workers[index], siblings=workers
        )
        self._admin_socket = sockets.admins[index]
        self._call_counters, self._tunnel_counters = CallCounters(), TunnelCounters()
        limits = KeyLimits(config.key_sessions, config.key_requests_per_minute)
        self._key_usage = KeyUsage(time.monotonic, limits, self._call_counters.keys_refused)
        self._registry = CollectorRegistry()
        self._thread_clock = ThreadClock()
        self._meter = LoadMeter(time.monotonic(), self._thread_clock.read())

    async def serve(self, started: Callable[[], None]) -> None:
        """Take calls until SIGTERM or the end of a drain; `started` is called when it begins.

        The calls that are left then are closed.

        Raises ExceptionGroup when the clock or the trunk fails: without either no call
        can go on, so the process must end and be started again.
        """
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
            calls = self._build(stack)
            stack.callback(calls.close_all)
            client_secrets = ClientSecrets(self._life.keys)
            forwarding = CallForwarding(self._life.keys, self._endpoint.address, calls.__contains__)
            self._obey(stack, [calls, self._endpoint, client_secrets, forwarding, self._resumption])
            await self._serve_http(stack, calls, client_secrets, forwarding)
            await stack.enter_async_context(self._resumption.connected())
            running = [
                tasks.create_task(self._replicas.run()),
                tasks.create_task(self._media_loop(calls).run()),
                tasks.create_task(self._tend_relays()),
                tasks.create_task(self._measure_load()),
                tasks.create_task(self._tend_websockets()),
                tasks.create_task(self._resumption.run()),
                tasks.create_task(self._drain(stop)),
                tasks.create_task(self._begin(started)),
            ]
            if self._webhooks is not None:
                running.append(tasks.create_task(self._webhooks.run()))
            await stop.wait()
            for task in running:
                task.cancel()

    async def _begin(self, started: Callable[[], None]) -> None:
        await self._replicas.wait_connected()
        # What start-up made lives as long as the process: never scan it again. Calls and packets
        # leave no cycles behind, so that there is next to nothing to look for.
        gc.freeze()
        gc.set_threshold(GC_ALLOCATIONS)
        started()

    def _build(self, stack: AsyncExitStack) -> CallTable:
        trunk_counters = TrunkCounters()
        self._replicas = ReplicaPool(self._config.inference, trunk_counters, random=random.random)
        self._admission = Admission(
            self._meter,
            self._call_counters.refused,
            max_load=self._config.max_load,
            max_calls=self._config.max_calls,
            engine_connected=lambda: self._replicas.connected,
        )
        self._webhooks = self._webhook_sender()
        hand_offs = self._call_counters.hand_offs
        self._registry.register(
            ReplicaCollector(self._replicas.directory, hand_offs, time.monotonic)
        )
        announcer = Announcer(self._life.incarnation, time.monotonic())
        self._endpoint = self._join_tunnel(announcer)
        turn_latency = TurnLatency(self._registry)
        self._registry.register(
            ResumptionCollector(self._resumption.counters, self._resumption.store)
        )
        mcp = self._join_mcp(stack)
        environment = CallEnvironment(
            replicas=self._replicas,
            counters=self._call_counters,
            turn_latency=turn_latency,
            clock=time.monotonic,
            unix_time=time.time,
            max_seconds=self._config.max_call_seconds,
            max_idle_seconds=self._config.max_idle_seconds,
            mcp=mcp.open,
            count_response=self._count_response,
        )
        calls = CallTable(
            self._config,
            self._life.keys,
            incarnation=self._life.incarnation,
            endpoint=self._endpoint,
            announcer=announcer,
            environment=environment,
            admission=self._admission,
            encoder_policy=EncoderPolicy(self._config.opus, lambda: self._meter.load),
            continuities=self._resumption.continuities,
            live=self._resumption.live,
        )
        self._websockets = WebSocketCalls(
            environment,
            self._admission,
            flush=self._replicas.flush,
            continuities=self._resumption.continuities,
            live=self._resumption.live,
        )
        self._registry.register(
            WorkerCollector(
                tunnel=self._tunnel_counters,
                trunk=trunk_counters,
                calls=self._call_counters,
                load=lambda: self._meter.load,
                trunk_connected=lambda: self._replicas.connected,
            )
        )
        self._endpoint.start(
            calls.receive,
            self._replicas.note_arrival,
            self._replicas.flush,
            busy_at=lambda: calls.due_at,
        )
        stack.callback(self._endpoint.close)
        return calls

    def _join_mcp(self, stack: AsyncExitStack) -> McpClient:
        counters = McpCounters()
        self._registry.register(McpCollector(counters))
        client = McpClient(
            self._config.mcp_servers,
            self._config.mcp_timeout_seconds,
            counters,
            flush=self._replicas.flush,
        )
        stack.push_async_callback(client.close)
        return client

    def _webhook_sender(self) -> WebhookSender | None:
        counters = WebhookCounters()
        self._registry.register(WebhookCollector(counters))
        if self._config.webhook is None:
            return None
        return WebhookSender(
            self._config.webhook,
            counters,
            clock=time.monotonic,
            unix_time=time.time,
            random=random.random,
        )

    def _join_tunnel(self, announcer: Announcer) -> TunnelEndpoint:
        host, port = self._tunnel_socket.getsockname()[:2]
        probe_seconds = ProbeSeconds(self._registry)
        directory = RelayDirectory(
            (host, port), partial(secrets.randbits, 64), probe_seconds.observe
        )
        self._registry.register(RelayWorkersCollector(directory, announcer))
        return TunnelEndpoint(
            self._tunnel_socket,
            self._life.keys,
            secrets.randbits(64),
            self._tunnel_counters,
            directory=directory,
            announcer=announcer,
        )

    def _obey(self, stack: AsyncExitStack, users: Sequence[KeyUser]) -> None:
        """Follow the parent's orders; `users` are all that use the cluster's keys."""
        loop, orders = asyncio.get_running_loop(), self._life.orders
        self._drain_order: asyncio.Future[Drain] = loop.create_future()

        def obey() -> None:
            order: Order = orders.recv()
            match order:
                case Drain():
                    self._drain_order.set_result(order)
                case RenewTls() if self._tls:
                    self._tls.reload()
                case ApiKeys():
                    self._api_keys.become(order)
                case ClusterKeys():
                    for user in users:
                        user.use_keys(order)

        loop.add_reader(orders.fileno(), obey)
        stack.callback(loop.remove_reader, orders.fileno())

    @property
    def _open_calls(self) -> int:
        return self._call_counters.open.total()

    async def _drain(self, stop: asyncio.Event) -> None:
        """Once ordered to, take no more calls, and stop when none is left or the time is over."""
        order = await self._drain_order
        self._admission.draining = True
        for _ in range(math.ceil(order.seconds / DRAIN_LOOK_S)):
            if not self._open_calls:
                break
            await asyncio.sleep(DRAIN_LOOK_S)
        logger.info("drained; %d calls are left", self._open_calls)
        stop.set()

    async def _measure_load(self) -> None:
        while True:
            await asyncio.sleep(SAMPLE_S)
            self._meter.sample(time.monotonic(), self._thread_clock.read(), self._open_calls)

    async def _serve_http(
        self,
        stack: AsyncExitStack,
        calls: CallTable,
        client_secrets: ClientSecrets,
        forwarding: CallForwarding,
    ) -> None:
        public = signaling_app(
            calls,
            self._api_keys,
            client_secrets,
            self._not_ready,
            forwarding,
            sessions=self._websockets,
            usage=self._key_usage,
            allowed_origins=self._config.allowed_origins,
            flush=self._flush,
            resuming=self._resumption.resuming,
        )
        forwarded = forwarded_app(
            calls,
            self._api_keys,
            client_secrets,
            usage=self._key_usage,
            allowed_origins=self._config.allowed_origins,
            flush=self._flush,
            sessions=self._websockets,
            resuming=self._resumption.resuming,
            peers=self._resumption.peer_endpoint,
        )
        tls = self._tls.context if self._tls else None
        for app, listening, ssl_context in (
            (public, self._http_socket, tls),
            (forwarded, self._peer_socket, None),
        ):
            runner = web.AppRunner(
                app, access_log=None, shutdown_timeout=0.2, handler_cancellation=True
            )
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.SockSite(runner, listening, ssl_context=ssl_context).start()
        admin, _address = await serve_admin(self._admin_socket, self._registry, self._not_ready)
        stack.push_async_callback(admin.cleanup)

    def _count_response(self, fingerprint: str) -> Allowance | None:
        key = self._api_keys.with_fingerprint(fingerprint)
        return self._key_usage.count_response(fingerprint, key)

    def _not_ready(self) -> str | None:
        if self._admission.draining:
            return "draining"
        return (
            None
            if self._replicas.connected
            else "no trunk to an inference replica that takes sessions"
        )

    def _media_loop(self, calls: CallTable) -> MediaLoop:
        return MediaLoop(
            calls,
            sources=(self._endpoint, self._replicas),
            gather=self._endpoint.gather,
            flush=self._flush,
            lateness=self._call_counters.frame_lateness,
        )

    def _flush(self) -> None:
        """Let go of what the calls have for the replica and for their clients."""
        self._replicas.flush()
        self._endpoint.flush()

    async def _tend_websockets(self) -> None:
        while True:
            self._websockets.tick()
            await asyncio.sleep(WEBSOCKET_TICK_S)

    async def _tend_relays(self) -> None:
        """Probe relays and refresh what they were told."""
        while True:
            self._endpoint.tick()
            await asyncio.sleep(RELAY_TICK_S)
