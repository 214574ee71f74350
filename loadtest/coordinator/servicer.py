"""The gRPC shell of the coordinator: one stream a worker."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, Protocol

import grpc

from antiphon_proto.loadtest.v1 import loadtest_pb2 as pb
from antiphon_proto.loadtest.v1 import loadtest_pb2_grpc as pb_grpc
from loadtest.coordinator.join_token import AUTHORIZATION, holds
from loadtest.coordinator.roll import JoinError
from loadtest.wire import WireError

OPTIONS = [
    ("grpc.max_receive_message_length", 16 << 20),
    ("grpc.max_send_message_length", 16 << 20),
    ("grpc.keepalive_time_ms", 5_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.max_ping_strikes", 0),
    ("grpc.http2.min_ping_interval_without_data_ms", 1_000),
    ("grpc.so_reuseport", 0),
    # Workers and coordinator are found by name or address, never by way of a proxy.
    ("grpc.enable_http_proxy", 0),
]
"""Of both ends."""

Context = grpc.aio.ServicerContext[Any, Any]
Orders = asyncio.Queue[pb.Order | None]
"""What a worker is told; None ends its stream."""


class Desk(Protocol):
    """One worker's side of the coordinator."""

    def report(self, report: pb.Report) -> None:
        """Raises WireError."""

    def gone(self, reason: str) -> None:
        """Its stream ended, whatever for."""


class FrontDesk(Protocol):
    def join(self, hello: pb.Hello, orders: Orders) -> Desk:
        """Raises JoinError."""


class CoordinationServicer(pb_grpc.CoordinationServicer):
    """Lets workers in that know the token."""

    def __init__(self, front_desk: FrontDesk, token: str) -> None:
        self._front_desk = front_desk
        self._token = token

    async def ReadClock(  # noqa: N802 - the stub's name
        self, _request: pb.ReadClockRequest, context: Context
    ) -> pb.ClockReading:
        await self._check(context)
        return pb.ClockReading(seconds=time.monotonic())

    async def Work(  # noqa: N802 - the stub's name
        self, reports: AsyncIterator[pb.Report], context: Context
    ) -> AsyncIterator[pb.Order]:
        await self._check(context)
        orders: Orders = asyncio.Queue()
        hello = (await anext(reports)).hello
        try:
            desk = self._front_desk.join(hello, orders)
        except JoinError as error:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
        reading = asyncio.create_task(_read(reports, desk, orders))
        try:
            while (order := await orders.get()) is not None:
                yield order
        finally:
            reading.cancel()
            desk.gone("its connection broke")

    async def _check(self, context: Context) -> None:
        metadata = dict(context.invocation_metadata() or ())
        if not holds(self._token, str(metadata.get(AUTHORIZATION, ""))):
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "this is not the run's token")


async def _read(reports: AsyncIterator[pb.Report], desk: Desk, orders: Orders) -> None:
    try:
        async for report in reports:
            desk.report(report)
    except WireError as error:
        desk.gone(f"it cannot be understood: {error}")
    finally:
        orders.put_nowait(None)
