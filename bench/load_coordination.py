"""What a second of a load test costs its coordinator, and how well clocks agree.

`python -m bench.load_coordination`. Each worker's second holds every latency and every count, as
one of hundreds of callers has.
"""

import argparse
import asyncio
import datetime
import random
import statistics
import time

import grpc

from antiphon_proto.loadtest.v1 import loadtest_pb2 as pb
from antiphon_proto.loadtest.v1 import loadtest_pb2_grpc as pb_grpc
from chassis.host_port import HostPort
from loadtest.coordinator.roll import JoinError
from loadtest.coordinator.server import serving
from loadtest.coordinator.servicer import CoordinationServicer, Desk, Orders
from loadtest.measures.measures import Measures
from loadtest.measures.names import Count, Latency
from loadtest.recording import Recording
from loadtest.scenario.scenario import Load, Scenario
from loadtest.wire import decode_interval, encode_interval
from loadtest.worker.run_worker import agree

VALUES = 2000
"""Of each latency, a worker and second: spread over as many slots as real ones are."""


def second(number: int, source: random.Random) -> tuple[bytes, float]:
    """What a worker sends, and how long it took to make."""
    measures = Measures()
    for latency in Latency:
        measures.note_many(latency, [source.lognormvariate(-5, 1) for _ in range(VALUES)])
    for count in Count:
        measures.count(count, source.randrange(1 << 20))
    started = time.perf_counter()
    message = pb.Report(measured=encode_interval(measures.take(number))).SerializeToString()
    return message, time.perf_counter() - started


def taken_in(recording: Recording, messages: list[bytes]) -> float:
    """How long it takes to add these, and to look at the last seconds as a display does."""
    started = time.perf_counter()
    for worker, message in enumerate(messages):
        interval = decode_interval(pb.Report.FromString(message).measured)
        recording.add(interval, worker)
    recording.recent(5)
    return time.perf_counter() - started


class NobodyHome:
    """A `FrontDesk` of a coordinator that is asked for its clock alone."""

    def join(self, hello: pb.Hello, orders: Orders) -> Desk:
        raise JoinError("this is a clock")


async def clock_error() -> float:
    """What a worker of this machine takes the error of the coordinator's clock to be, at most."""
    token = "of-this-benchmark-alone"
    servicer = CoordinationServicer(NobodyHome(), token)
    async with (
        serving(servicer, HostPort("127.0.0.1", 0)) as address,
        grpc.aio.insecure_channel(str(address)) as channel,
    ):
        agreement = await agree(pb_grpc.CoordinationStub(channel), token, 10.0)
    return agreement.error_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--seconds", type=int, default=20)
    arguments = parser.parse_args()
    source = random.Random(1)
    scenario = Scenario(name="bench", load=Load(sessions=1))
    begun = datetime.datetime.now(datetime.UTC)
    recording = Recording(scenario, workers=arguments.workers, started_at=begun, machine={})
    made, merged, sizes = [], [], []
    for number in range(arguments.seconds):
        seconds = [second(number, source) for _ in range(arguments.workers)]
        made += [seconds_made for _, seconds_made in seconds]
        sizes += [len(message) for message, _ in seconds]
        merged.append(taken_in(recording, [message for message, _ in seconds]))
    print(f"{len(Latency)} latencies of {VALUES} values, {arguments.workers} workers")
    print(f"a worker makes a second's report in {statistics.median(made) * 1e3:.1f} ms (median)")
    print(f"it is {statistics.median(sizes) / 1024:.0f} KiB")
    print(
        f"the coordinator takes all of a second in in {statistics.median(merged) * 1e3:.1f} ms "
        f"(median), {max(merged) * 1e3:.1f} ms at most"
    )
    print(f"a clock on this host is known to {asyncio.run(clock_error()) * 1e3:.2f} ms")


if __name__ == "__main__":
    main()
