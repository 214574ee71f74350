"""The gRPC shell: streams to trunks and back, one writer a stream."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import grpc

from antiphon_proto.inference.v1 import inference_pb2 as pb
from antiphon_proto.inference.v1 import inference_pb2_grpc as pb_grpc
from antiphon_proto.trunk import Done
from chassis.tracing.tracer import NO_TRACER, Tracer
from inference.admission import Admission
from inference.engine import Engine
from inference.trunk import Trunk
from inference.trunk_counters import TrunkCounters

# Small windows, because what HTTP/2 buffers is stale speech: docs/wire/trunk.md.
# Pings are let through however idle the trunk is: they are how a transceiver
# notices a replica that vanished.
SERVER_OPTIONS = [
    ("grpc.http2.bdp_probe", 0),
    ("grpc.http2.lookahead_bytes", 8192),
    ("grpc.max_receive_message_length", 16 << 20),
    ("grpc.max_send_message_length", 16 << 20),
    ("grpc.http2.min_ping_interval_without_data_ms", 1_000),
    ("grpc.http2.max_ping_strikes", 0),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.so_reuseport", 0),
]

REPORT_S = 0.1
"""How often a trunk looks whether there is something new to tell of this replica."""

Context = grpc.aio.ServicerContext[Any, Any]


class InferenceServicer(pb_grpc.InferenceServicer):
    """Serves trunks with `engines`, the default one first."""

    def __init__(
        self,
        engines: Sequence[Engine],
        admission: Admission,
        counters: TrunkCounters,
        observe_done: Callable[[Done], None],
        tracer: Tracer = NO_TRACER,
    ) -> None:
        self._engines = engines
        self._admission = admission
        self._counters = counters
        self._observe_done = observe_done
        self._tracer = tracer
        self._trunks: set[Trunk] = set()
        self._ended = asyncio.Event()

    # The stub's type knows only handlers that yield; one that writes is as good
    # (https://grpc.github.io/grpc/python/grpc_asyncio.html), and its name is the stub's.
    async def Trunk(  # type: ignore[override]  # noqa: N802
        self, request_iterator: AsyncIterator[pb.Uplink], context: Context
    ) -> None:
        wake = asyncio.Event()
        trunk = Trunk(
            self._engines,
            self._admission,
            self._counters,
            wake.set,
            self._observe_done,
            self._tracer,
        )
        self._trunks.add(trunk)
        trunk.report(self._description())
        try:
            # As a group, so that a trunk whose writer failed does not go on listening.
            async with asyncio.TaskGroup() as tasks:
                running = [
                    tasks.create_task(_read(trunk, request_iterator)),
                    tasks.create_task(_write(trunk, wake, context)),
                    tasks.create_task(_report(trunk, self._description)),
                    tasks.create_task(self._ended.wait()),
                ]
                await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in running:
                    task.cancel()
        finally:
            self._trunks.discard(trunk)
            trunk.close("trunk_closed")

    async def Describe(  # noqa: N802
        self, request: pb.DescribeRequest, context: Context
    ) -> pb.Description:
        return self._description()

    def drain(self, deadline_ms: int) -> None:
        """Take no more sessions, and tell every open one."""
        self._admission.draining = True
        for trunk in self._trunks:
            trunk.report(self._description())
            trunk.drain(deadline_ms)

    def end(self) -> None:
        """End every trunk."""
        self._ended.set()

    def _description(self) -> pb.Description:
        return pb.Description(
            engines=[engine.name for engine in self._engines],
            capacity=self._admission.capacity,
            sessions=self._admission.sessions,
            draining=self._admission.draining,
        )


async def _read(trunk: Trunk, uplinks: AsyncIterator[pb.Uplink]) -> None:
    async for uplink in uplinks:
        trunk.receive(uplink)


async def _report(trunk: Trunk, describe: Callable[[], pb.Description]) -> None:
    while True:
        await asyncio.sleep(REPORT_S)
        trunk.report(describe())


async def _write(trunk: Trunk, wake: asyncio.Event, context: Context) -> None:
    """Send whatever is ready, at once or together with what comes while a write is in flight."""
    while True:
        await wake.wait()
        wake.clear()
        while (downlink := trunk.next_downlink()) is not None:
            await context.write(downlink)
