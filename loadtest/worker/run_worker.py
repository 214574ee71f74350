"""One worker, from its call to the coordinator until its last call is over."""

import asyncio
import gc
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc

from antiphon_proto.loadtest.v1 import loadtest_pb2 as pb
from antiphon_proto.loadtest.v1 import loadtest_pb2_grpc as pb_grpc
from chassis.host_port import HostPort
from loadtest.callers.fleet import FleetContext, FleetError, RunClock
from loadtest.coordinator.join_token import credentials
from loadtest.coordinator.servicer import OPTIONS
from loadtest.measures.measures import Measures
from loadtest.scenario.call_plan import plan_calls
from loadtest.version import VERSION
from loadtest.wire import decode_scenario, decode_target
from loadtest.worker.clock_agreement import ClockAgreement, ClockReading
from loadtest.worker.driver import Driver
from loadtest.worker.fleets import FleetFactory, make_fleet, started_fleets
from loadtest.worker.ticker import Ticker

CLOCK_READINGS = 10

Stream = grpc.aio.StreamStreamCall[pb.Report, pb.Order]


class WorkerError(Exception):
    """This worker could not take part to the end; the text says why."""


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    coordinator: HostPort
    token: str
    index: int | None = None
    """Which place is its own; any unless given."""
    certificate_authority: bytes | None = None
    """In PEM; vouches for the coordinator, which is spoken to in the clear without."""
    patience_s: float = 60.0
    """How long the coordinator is waited for."""
    addresses: tuple[str, ...] = ()
    """Of this host, that callers may call from."""


async def run_worker(settings: WorkerSettings, factory: FleetFactory = make_fleet) -> None:
    """Raises WorkerError."""
    try:
        async with _channel(settings) as channel:
            await _serve(channel, settings, factory)
    except grpc.aio.AioRpcError as error:
        text = f"coordinator {settings.coordinator}: {error.code().name}: {error.details()}"
        raise WorkerError(text) from error
    except asyncio.InvalidStateError as error:
        raise WorkerError("the coordinator ended the run before its end") from error


@asynccontextmanager
async def _channel(settings: WorkerSettings) -> AsyncIterator[grpc.aio.Channel]:
    address, authority = str(settings.coordinator), settings.certificate_authority
    if authority is None:
        channel = grpc.aio.insecure_channel(address, OPTIONS)
    else:
        vouched = grpc.ssl_channel_credentials(authority)
        channel = grpc.aio.secure_channel(address, vouched, OPTIONS)
    async with channel:
        yield channel


async def _serve(
    channel: grpc.aio.Channel, settings: WorkerSettings, factory: FleetFactory
) -> None:
    stub: pb_grpc.CoordinationAsyncStub = pb_grpc.CoordinationStub(channel)
    clocks = await agree(stub, settings.token, settings.patience_s)
    stream: Stream = stub.Work(metadata=credentials(settings.token))
    hello = pb.Hello(version=VERSION, host=socket.gethostname(), index=settings.index)
    await stream.write(pb.Report(hello=hello))
    assignment = (await _next(stream)).assignment
    with tempfile.TemporaryDirectory(prefix="antiphon-loadtest-") as directory:
        context = _context(assignment, settings.addresses, Path(directory, "authority.pem"))
        try:
            await _work(stream, assignment, context, clocks, factory)
        except FleetError as error:
            await stream.write(pb.Report(failed=pb.Failed(reason=str(error))))
            await _last_order(stream)
            raise WorkerError(str(error)) from error


async def _work(
    stream: Stream,
    assignment: pb.Assignment,
    context: FleetContext,
    clocks: ClockAgreement,
    factory: FleetFactory,
) -> None:
    async with started_fleets(context, factory) as fleets:
        # What is here now stays: to look through it again and again would hold up packets.
        gc.collect()
        gc.freeze()
        await stream.write(pb.Report(ready=pb.Ready(clock_error_seconds=clocks.error_s)))
        start = (await _next(stream)).start
        context.clock.started_at = clocks.ours(start.at_seconds)
        plans = plan_calls(context.scenario, worker=assignment.worker, workers=assignment.workers)
        stop = asyncio.Event()
        listening = asyncio.create_task(_listen(stream, stop))
        async with Ticker(context, stream):
            left = await Driver(plans, fleets, context).drive(stop)
        finished = pb.Finished(unfinished=left.unfinished, overdue=left.overdue)
        await stream.write(pb.Report(finished=finished))
        await listening


def _context(
    assignment: pb.Assignment, addresses: Sequence[str], authority_file: Path
) -> FleetContext:
    """Writes the certificate authority, where there is one, to that file. Raises WireError."""
    authority = assignment.target.certificate_authority
    if authority:
        authority_file.write_text(authority)
    target = decode_target(assignment.target, str(authority_file) if authority else "")
    scenario = decode_scenario(assignment.scenario)
    measures = Measures(secrets=(target.api_key, target.sip_password))
    return FleetContext(target, scenario, measures, tuple(addresses), RunClock())


async def agree(
    stub: "pb_grpc.CoordinationAsyncStub", token: str, patience_s: float
) -> ClockAgreement:
    """Reads the coordinator's clock, once it is there."""
    readings = []
    for _ in range(CLOCK_READINGS):
        asked_at = time.monotonic()
        reading = await stub.ReadClock(
            pb.ReadClockRequest(),
            metadata=credentials(token),
            wait_for_ready=True,
            timeout=patience_s,
        )
        readings.append(ClockReading(asked_at, reading.seconds, time.monotonic()))
    return ClockAgreement.of(readings)


async def _next(stream: Stream) -> pb.Order:
    """Raises WorkerError where there is none any more."""
    order = await stream.read()
    if not isinstance(order, pb.Order):
        raise WorkerError("the coordinator has ended the run")
    return order


async def _listen(stream: Stream, stop: asyncio.Event) -> None:
    """Sets `stop` at the order to, and when the coordinator is gone. Returns when it is."""
    try:
        while isinstance(order := await stream.read(), pb.Order):
            if order.WhichOneof("kind") == "stop":
                stop.set()
    except grpc.aio.AioRpcError:
        pass
    finally:
        stop.set()


async def _last_order(stream: Stream) -> None:
    """Until the coordinator has heard the last report, and ends the stream."""
    while isinstance(await stream.read(), pb.Order):
        pass
