"""One transceiver worker: a process with one event loop, one UDP socket and its calls."""

import asyncio
import gc
import logging
import math
import random
import signal
import time
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from multiprocessing.connection import Connection

import uvloop
from prometheus_client import CollectorRegistry

from chassis.logs import configure_logging
from chassis.process_metrics import register_process_metrics
from chassis.tracing.process_tracing import process_tracing
from transceiver.admission import Admission
from transceiver.announcer import Announcer
from transceiver.audio.encoder_policy import EncoderPolicy
from transceiver.call_environment import CallEnvironment
from transceiver.call_table import CallTable
from transceiver.cluster_key_metrics import ClusterKeyCollector
from transceiver.config import TransceiverConfig
from transceiver.counters import CallCounters, TrunkCounters, TunnelCounters
from transceiver.known_relays import introduce_relays
from transceiver.load_meter import SAMPLE_S, LoadMeter
from transceiver.media_loop import MediaLoop
from transceiver.metrics import TurnLatency, WorkerCollector
from transceiver.regions.zones import CurrentZones
from transceiver.replica_metrics import ReplicaCollector
from transceiver.replica_pool import ReplicaPool
from transceiver.resumption_metrics import ResumptionCollector
from transceiver.signaling.api_keys import KeyLimits
from transceiver.signaling.key_usage import KeyUsage
from transceiver.signaling.request_rate import Allowance
from transceiver.sip.access import CurrentAccess
from transceiver.sockets import TransceiverSockets
from transceiver.thread_clock import ThreadClock
from transceiver.tls import TlsListener
from transceiver.websocket_calls import WebSocketCalls
from transceiver.worker_calls import WorkerCalls
from transceiver.worker_lives import WorkerLife
from transceiver.worker_orders import KeyUser, WorkerOrders
from transceiver.worker_outgoing import mcp_client, webhook_sender
from transceiver.worker_regions import worker_regions
from transceiver.worker_resumption import WorkerResumption
from transceiver.worker_signaling import WorkerSignaling
from transceiver.worker_sip import WorkerSip
from transceiver.worker_sip_calls import tend_ringing, worker_sip
from transceiver.worker_tunnel import worker_tunnel

logger = logging.getLogger(__name__)

GC_ALLOCATIONS = 50_000
"""Between two collections of the youngest: a loaded worker makes as many in a second."""

WEBSOCKET_TICK_S = 0.1
"""Resolution of the deadlines of sessions over WebSockets."""

SOONEST_RELAY_TICK_S, LATEST_RELAY_TICK_S = 0.010, 0.050
"""Bounds of the time between two looks at what relays are to be told."""

DRAIN_LOOK_S = 0.1
"""How often a worker that drains looks whether calls are left."""


def run_worker(
    config: TransceiverConfig,
    sockets: TransceiverSockets,
    started: Connection,
    index: int,
    life: WorkerLife,
) -> None:
    """Serve until SIGTERM; sends `index` on `started` once calls are taken."""
    configure_logging("transceiver", config.log_level, config.log_format, worker=index)
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
        self._sip_access = CurrentAccess(life.sip_access)
        self._zones = CurrentZones(life.zones)
        self._tls = TlsListener(config.tls) if config.tls else None
        self._sockets = sockets
        self._index = index
        workers = [tunnel.getsockname()[:2] for tunnel in sockets.tunnels]
        self._resumption = WorkerResumption(
            config, life.keys, here=workers[index], siblings=workers
        )
        self._call_counters, self._tunnel_counters = CallCounters(), TunnelCounters()
        limits = KeyLimits(config.key_sessions, config.key_requests_per_minute)
        self._key_usage = KeyUsage(time.monotonic, limits, self._call_counters.keys_refused)
        self._registry = CollectorRegistry()
        self._beside: set[asyncio.Task[None]] = set()
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
            self._tasks = tasks
            self._tracer = await stack.enter_async_context(
                process_tracing(
                    self._config, "transceiver", self._registry, self._config.trace_ratio
                )
            )
            calls = self._build(stack)
            sip = worker_sip(
                self._config,
                self._sockets,
                self._index,
                self._life,
                self._sip_access,
                self._tls,
                calls,
                self._registry,
            )
            stack.callback(calls.close_all)
            signaling = self._signaling(calls, sip)
            self._orders = WorkerOrders(
                self._life.orders, self._api_keys, self._tls, self._sip_access, self._zones
            )
            key_metrics = ClusterKeyCollector(self._life.keys, self._config.max_call_seconds)
            self._registry.register(key_metrics)
            key_users: list[KeyUser] = [calls, self._endpoint, signaling, self._resumption]
            if sip is not None:
                key_users.append(sip)
            key_users.append(key_metrics)
            stack.enter_context(self._orders.obeyed(key_users))
            await signaling.serve(stack, self._sockets, self._index, self._tls, self._registry)
            await stack.enter_async_context(self._resumption.connected())
            if sip is not None:
                # Within the others: the last that sessions say goes by their connections.
                await stack.enter_async_context(sip.running())
                # Their peers hear of it while the sockets are there.
                stack.callback(calls.close_sip)
            running = [
                tasks.create_task(self._replicas.run()),
                tasks.create_task(self._media_loop(calls.table).run()),
                tasks.create_task(self._tend_relays()),
                tasks.create_task(introduce_relays(self._config.relays, self._endpoint.introduce)),
                tasks.create_task(self._measure_load()),
                tasks.create_task(self._tend_websockets()),
                tasks.create_task(tend_ringing(calls.sip)),
                tasks.create_task(self._resumption.run()),
                tasks.create_task(self._drain(stop)),
                tasks.create_task(self._begin(started)),
            ]
            if self._webhooks is not None:
                running.append(tasks.create_task(self._webhooks.run()))
            await stop.wait()
            for task in (*running, *self._beside):
                task.cancel()

    async def _begin(self, started: Callable[[], None]) -> None:
        await self._replicas.wait_connected()
        # What start-up made lives as long as the process: never scan it again. Calls and packets
        # leave no cycles behind, so that there is next to nothing to look for.
        gc.freeze()
        gc.set_threshold(GC_ALLOCATIONS)
        started()

    def _build(self, stack: AsyncExitStack) -> WorkerCalls:
        """Make the cores and what carries their bytes; nothing is served yet."""
        trunk_counters = TrunkCounters()
        self._replicas = ReplicaPool(self._config.inference, trunk_counters, random=random.random)
        self._admission = Admission(
            self._meter,
            self._call_counters.refused,
            max_load=self._config.max_load,
            max_calls=self._config.max_calls,
            engine_connected=lambda: self._replicas.connected,
        )
        self._webhooks = webhook_sender(self._config, self._registry)
        announcer = Announcer(self._life.incarnation, time.monotonic())
        self._endpoint = worker_tunnel(
            self._sockets.tunnels[self._index],
            self._life.keys,
            announcer,
            self._tunnel_counters,
            self._registry,
        )
        self._register_metrics(trunk_counters)
        environment = self._call_environment(stack)
        calls = WorkerCalls(
            self._config,
            self._life.keys,
            incarnation=self._life.incarnation,
            endpoint=self._endpoint,
            announcer=announcer,
            environment=environment,
            admission=self._admission,
            encoder_policy=EncoderPolicy(self._config.opus, lambda: self._meter.load),
            usage=self._key_usage,
            access=self._sip_access,
            webhook=self._webhooks.send if self._webhooks else None,
            spawn=self._spawn,
            flush=self._flush,
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
        self._endpoint.start(
            calls.table.receive,
            self._replicas.note_arrival,
            self._replicas.flush,
            busy_at=lambda: calls.table.due_at,
        )
        stack.callback(self._endpoint.close)
        return calls

    def _call_environment(self, stack: AsyncExitStack) -> CallEnvironment:
        mcp = mcp_client(self._config, self._registry, self._replicas.flush)
        stack.push_async_callback(mcp.close)
        return CallEnvironment(
            replicas=self._replicas,
            counters=self._call_counters,
            turn_latency=TurnLatency(self._registry),
            clock=time.monotonic,
            unix_time=time.time,
            max_seconds=self._config.max_call_seconds,
            max_idle_seconds=self._config.max_idle_seconds,
            mcp=mcp.open,
            tracer=self._tracer,
            count_response=self._count_response,
        )

    def _register_metrics(self, trunk_counters: TrunkCounters) -> None:
        """Beside those that the parts register by themselves."""
        hand_offs = self._call_counters.hand_offs
        worker = WorkerCollector(
            tunnel=self._tunnel_counters,
            trunk=trunk_counters,
            calls=self._call_counters,
            load=lambda: self._meter.load,
            trunk_connected=lambda: self._replicas.connected,
            admission=self._admission,
        )
        register_process_metrics(self._registry, "transceiver")
        for collector in (
            ReplicaCollector(self._replicas.directory, hand_offs, time.monotonic),
            ResumptionCollector(self._resumption.counters, self._resumption.store),
            worker,
        ):
            self._registry.register(collector)

    @property
    def _open_calls(self) -> int:
        return self._call_counters.open.total()

    async def _drain(self, stop: asyncio.Event) -> None:
        """Once ordered to, take no more calls, and stop when none is left or the time is over."""
        order = await self._orders.drain
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

    def _signaling(self, calls: WorkerCalls, sip: WorkerSip | None) -> WorkerSignaling:
        return WorkerSignaling(
            self._life.keys,
            self._api_keys,
            self._key_usage,
            self._config.allowed_origins,
            self._resumption,
            worker_regions(self._config, self._zones, self._life.keys, self._registry),
            here=self._endpoint.address,
            calls=calls,
            sip=sip,
            sessions=self._websockets,
            flush=self._flush,
            not_ready=self._not_ready,
        )

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

    def _spawn(self, step: Coroutine[None, None, None]) -> None:
        """Run it beside all else, for as long as the worker serves."""
        task = self._tasks.create_task(step)
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)

    async def _tend_relays(self) -> None:
        """Probe relays and refresh what they were told; and where no call is served, by whose
        clock it would leave, let go of what is left of the last ones."""
        while True:
            self._endpoint.tick()
            self._flush()
            pause = self._endpoint.due_at - time.monotonic()
            await asyncio.sleep(min(max(pause, SOONEST_RELAY_TICK_S), LATEST_RELAY_TICK_S))
