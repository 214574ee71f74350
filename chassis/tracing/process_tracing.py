"""A process's tracing, from its settings."""

import asyncio
import contextlib
import importlib.util
import os
import random
import socket
import time
import uuid
from collections.abc import AsyncIterator
from importlib.metadata import version

from prometheus_client import CollectorRegistry

from chassis.settings import SettingError
from chassis.tracing.metrics import SpanCollector
from chassis.tracing.settings import TracingSettings
from chassis.tracing.span import Attributes
from chassis.tracing.span_queue import SpanQueue
from chassis.tracing.tracer import NO_TRACER, Tracer


def check_tracing(settings: TracingSettings) -> None:
    """Raises SettingError where traces are wanted, and the package for them is missing."""
    if settings.otlp_endpoint is None:
        return
    try:
        found = importlib.util.find_spec("opentelemetry.proto.collector")
    except ModuleNotFoundError:
        found = None
    if found is None:
        raise SettingError("--otlp-endpoint needs a package: pip install 'antiphon[tracing]'")


@contextlib.asynccontextmanager
async def process_tracing(
    settings: TracingSettings, tier: str, registry: CollectorRegistry, ratio: float = 1.0
) -> AsyncIterator[Tracer]:
    """Spans that are made within the block are exported; `ratio` of the traces that begin here.

    The tracer's clock is `time.monotonic`.
    """
    queue = SpanQueue()
    registry.register(SpanCollector(tier, queue))
    if settings.otlp_endpoint is None:
        yield NO_TRACER
        return
    # Without the package nothing else needs it.
    from chassis.tracing.span_exporter import Collector, SpanExporter

    collector = Collector(settings.otlp_endpoint, settings.otlp_headers or {})
    resource = process_resource(tier, settings)
    exporter = SpanExporter(
        collector, queue, resource, version=version("antiphon"), random=random.random
    )
    running = asyncio.create_task(exporter.run())
    try:
        yield Tracer(
            queue.put,
            ratio=ratio,
            clock=time.monotonic,
            unix_time=time.time,
            random_bytes=os.urandom,
        )
    finally:
        running.cancel()
        await asyncio.wait([running])
        await exporter.close()


def process_resource(tier: str, settings: TracingSettings) -> Attributes:
    """What every span's receiver is told of the process.

    https://opentelemetry.io/docs/specs/semconv/resource/service/
    """
    return {
        "service.name": f"antiphon-{tier}",
        "service.namespace": "antiphon",
        "service.version": version("antiphon"),
        "service.instance.id": str(uuid.uuid4()),
        "host.name": socket.gethostname(),
        **(settings.trace_attributes or {}),
    }
