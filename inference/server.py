"""The inference process: engines, the gRPC server, the admin port, signals."""

import asyncio
import logging
import math
import signal
from collections.abc import Sequence

import grpc
from prometheus_client import CollectorRegistry

from antiphon_proto.inference.v1 import inference_pb2_grpc as pb_grpc
from chassis.admin import serve_admin
from chassis.host_port import HostPort
from chassis.process_metrics import register_process_metrics
from chassis.readiness import report_ready
from chassis.tracing.process_tracing import process_tracing
from inference.admission import Admission
from inference.config import InferenceConfig
from inference.engine import Engine
from inference.engines.cascade.counters import CascadeCounters
from inference.engines.collectors import engine_collector
from inference.metrics import InferenceCollector, StageLatency
from inference.servicer import SERVER_OPTIONS, InferenceServicer
from inference.trunk_counters import TrunkCounters

logger = logging.getLogger(__name__)

STOP_GRACE_S = 0.2

DRAIN_LOOK_S = 0.05
"""How often a replica that drains looks whether sessions are left."""


async def serve(
    config: InferenceConfig, engines: Sequence[Engine], cascade_counters: CascadeCounters
) -> None:
    """Run until SIGTERM and a drain, or SIGINT. `engines`: the default one first.

    Raises OSError when an address cannot be bound or the default engine cannot start.
    """
    stop = StopSignals(config.drain_seconds)
    started = await _start(engines)
    try:
        await _serve(config, started, cascade_counters, stop)
    finally:
        for engine in started:
            await engine.close()


async def _start(engines: Sequence[Engine]) -> list[Engine]:
    """Start the engines; one that is not the default is left out when it cannot."""
    default, *others = engines
    await default.start()
    started = [default]
    for engine in others:
        try:
            await engine.start()
        except OSError as error:
            logger.warning("engine %s is not available: %s", engine.name, error)
        else:
            started.append(engine)
    return started


async def _serve(
    config: InferenceConfig,
    engines: Sequence[Engine],
    cascade_counters: CascadeCounters,
    stop: "StopSignals",
) -> None:
    admission = Admission(config.max_sessions)
    counters = TrunkCounters()
    registry = CollectorRegistry()
    register_process_metrics(registry, "inference")
    registry.register(InferenceCollector(counters, cascade_counters, admission))
    for engine in engines:
        if (collector := engine_collector(engine)) is not None:
            registry.register(collector)
    observe = StageLatency(registry).observe
    async with process_tracing(config, "inference", registry) as tracer:
        servicer = InferenceServicer(engines, admission, counters, observe, tracer)
        await _serve_trunks(config, engines[0], servicer, admission, registry, stop)


async def _serve_trunks(
    config: InferenceConfig,
    default: Engine,
    servicer: InferenceServicer,
    admission: Admission,
    registry: CollectorRegistry,
    stop: "StopSignals",
) -> None:
    def unready_reason() -> str | None:
        return "draining" if admission.draining else default.unready_reason()

    server, address = await serve_trunks(config.grpc, servicer)
    runner, admin = await serve_admin(config.admin, registry, unready_reason)
    report = {"grpc": str(address), "engine": default.name, "admin": str(admin)}
    report_ready(config.ready_fd, report)
    logger.info("serving trunks on %s with %s", address, default.name)
    await stop.drain_asked.wait()
    if not stop.end_asked.is_set():
        await _drain(servicer, admission, config.drain_seconds, stop.end_asked)
    servicer.drain(deadline_ms=int(STOP_GRACE_S * 1000))
    if admission.sessions:
        await asyncio.sleep(STOP_GRACE_S)
    servicer.end()
    await server.stop(STOP_GRACE_S)
    await runner.cleanup()


class StopSignals:
    """SIGTERM asks for a drain, where there is time for one; a second one, or SIGINT, for the
    end at once."""

    def __init__(self, drain_seconds: int) -> None:
        self.drain_asked = asyncio.Event()
        self.end_asked = asyncio.Event()
        self._drains = drain_seconds > 0
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._terminate)
        loop.add_signal_handler(signal.SIGINT, self._end)

    def _terminate(self) -> None:
        if not self._drains or self.drain_asked.is_set():
            self.end_asked.set()
        self.drain_asked.set()

    def _end(self) -> None:
        self.end_asked.set()
        self.drain_asked.set()


async def _drain(
    servicer: InferenceServicer, admission: Admission, seconds: int, end_asked: asyncio.Event
) -> None:
    """Return when the sessions have gone elsewhere, the time is over or the end is asked for."""
    logger.info("draining %d sessions, for at most %d seconds", admission.sessions, seconds)
    servicer.drain(deadline_ms=seconds * 1000)
    for _ in range(math.ceil(seconds / DRAIN_LOOK_S)):
        if not admission.sessions or end_asked.is_set():
            break
        await asyncio.sleep(DRAIN_LOOK_S)
    logger.info("drained; %d sessions are left", admission.sessions)


async def serve_trunks(
    bind: HostPort, servicer: InferenceServicer
) -> tuple[grpc.aio.Server, HostPort]:
    """A started gRPC server and the address it has. Raises OSError when it cannot bind."""
    server = grpc.aio.server(options=SERVER_OPTIONS)
    pb_grpc.add_InferenceServicer_to_server(servicer, server)
    try:
        port = server.add_insecure_port(str(bind))
    except RuntimeError as error:
        raise OSError(f"cannot bind {bind}") from error
    await server.start()
    return server, HostPort(bind.host, port)
