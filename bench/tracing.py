"""`python -m bench.tracing`: how late a worker's frames are while its calls are traced.

A media clock of 1.25 ms that does some work in each slot, as a worker with many calls has; beside
it turns end, as often as a hundred lively calls have them, and their spans go to a collector in
another process. Each round runs every way once, in a process of its own; the figure is the
median of the rounds. `pip install 'antiphon[bench]'` has OpenTelemetry's SDK for comparison.
"""

import argparse
import asyncio
import importlib.util
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import uvloop
from prometheus_client import CollectorRegistry

from antiphon_proto.trunk import Stage, StageTime
from bench.figures import median, percentile, publish
from bench.machine import machine
from bench.scheduling import go_first
from chassis.tracing.process_tracing import process_tracing
from chassis.tracing.settings import TracingSettings, otlp_endpoint
from chassis.tracing.tracer import Tracer
from tests.e2e.otlp_collector import otlp_collector
from transceiver.call_trace import CallTrace
from transceiver.kernel_timer import KernelTimer
from transceiver.ledger import LatencyLedger, TurnInstants
from transceiver.response_outcome import Outcome

SLOT_S, WORK_S = 0.00125, 0.0004
TURN_S = 0.06
"""A hundred calls, each with a turn in six seconds."""

WAYS = ("none", "loop", "sdk_thread")

EndTurn = Callable[[], None]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--way", choices=WAYS)
    parser.add_argument("--collector")
    arguments = parser.parse_args()
    if arguments.way is not None:
        uvloop.run(measure(arguments.way, arguments.collector, arguments.seconds))
        return
    ways = WAYS if importlib.util.find_spec("opentelemetry.sdk") else WAYS[:2]
    results: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
    with otlp_collector() as traces:
        for _ in range(arguments.rounds):
            for way in ways:
                results[way].append(in_child(way, traces.url, arguments.seconds))
        spans = len(traces.spans)
    figures: dict[str, float | str] = {}
    for way, rounds in results.items():
        for name in rounds[0]:
            figures |= median(f"{way}.{name}", [each[name] for each in rounds])
    figures |= {"rounds": arguments.rounds, "seconds": arguments.seconds, "spans": spans}
    publish("tracing", figures | machine())


def in_child(way: str, collector: str, seconds: float) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.tracing", f"--way={way}"]
    command += [f"--collector={collector}", f"--seconds={seconds}"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    figures: dict[str, float] = json.loads(output)
    return figures


async def measure(way: str, collector: str, seconds: float) -> None:
    """Print one way's figures as JSON."""
    go_first()
    os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[0]})
    async with turns(way, collector) as end_turn:
        late_ms = await media_clock(end_turn, seconds)
        usage = resource.getrusage(resource.RUSAGE_SELF)
    figures = {f"late_ms.p{percent}": percentile(late_ms, percent) for percent in (50, 99, 99.9)}
    figures |= {"late_ms.max": max(late_ms), "late_over_1ms": sum(x > 1 for x in late_ms) / seconds}
    print(json.dumps(figures | {"cpu_s": usage.ru_utime + usage.ru_stime}))


async def media_clock(end_turn: EndTurn, seconds: float) -> list[float]:
    """How late each slot began, in milliseconds."""
    begun = time.monotonic()
    due, turn_due = begun, begun
    late_ms: list[float] = []
    over = asyncio.Event()

    def ring() -> None:
        nonlocal due, turn_due
        now = time.monotonic()
        while due <= now:
            late_ms.append((now - due) * 1000)
            due += SLOT_S
        if now >= turn_due:
            turn_due += TURN_S
            end_turn()
        while time.monotonic() - now < WORK_S:
            pass
        if now - begun > seconds:
            over.set()
        else:
            timer.set(due)

    timer = KernelTimer(ring)
    timer.set(due)
    await over.wait()
    timer.close()
    return late_ms


@asynccontextmanager
async def turns(way: str, collector: str) -> AsyncIterator[EndTurn]:
    """What ends a turn, in this way."""
    if way == "sdk_thread":
        yield sdk_turns(collector)
        return
    endpoint = otlp_endpoint(collector) if way == "loop" else None
    settings = TracingSettings(otlp_endpoint=endpoint)
    async with process_tracing(settings, "bench", CollectorRegistry()) as tracer:
        yield own_turns(tracer)


def own_turns(tracer: Tracer) -> EndTurn:
    trace = CallTrace(tracer, call_id="rtc_bench")
    trace.concerns("sess_bench", "gpt-realtime")
    number = 0

    def end_turn() -> None:
        nonlocal number
        number += 1
        trace.responding(number, f"resp_{number}", text_only=False)
        trace.responded(number, Outcome("completed"), turn_instants(number))

    return end_turn


def sdk_turns(collector: str) -> EndTurn:
    """The same spans by the SDK, whose exporter has a thread."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.trace import set_span_in_context

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(otlp_endpoint(collector))))
    tracer = provider.get_tracer("bench")
    number = 0

    def end_turn() -> None:
        nonlocal number
        number += 1
        epoch = time.time() - time.monotonic()
        instants = turn_instants(number)
        attributes = {f"gen_ai.attribute.{index}": "sess_bench" for index in range(8)}
        turn = tracer.start_span("turn", None, attributes=attributes)
        latency = tracer.start_span("latency", set_span_in_context(turn))
        below = set_span_in_context(latency)
        for part, start, end in instants.parts():
            span = tracer.start_span(part, below, start_time=int((epoch + start) * 1e9))
            span.end(int((epoch + end) * 1e9))
        latency.end()
        turn.end()

    return end_turn


def turn_instants(response: int) -> TurnInstants:
    ledger = LatencyLedger()
    now = time.monotonic()
    ledger.frame_forwarded(0, 0.01, now - 0.5)
    ledger.turn_ended(20, now - 0.3)
    ledger.responding(response)
    ledger.first_audio(response, now - 0.02)
    ledger.first_frame_sent(response, now)
    ledger.done(response, [StageTime(stage, 100_000 * (at + 1)) for at, stage in enumerate(Stage)])
    instants = ledger.turn(response, 0.05)
    assert instants is not None
    return instants


if __name__ == "__main__":
    main()
