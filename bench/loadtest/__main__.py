"""`python -m bench.loadtest`: exit code 1 when one core does not carry the callers that it has to.

The callers have a core for themselves, the far side another one, where there are two. `--quick`
prints its figures and leaves the files as they are.
"""

import argparse
import asyncio
import os
import sys

import uvloop

from bench.figures import publish, rounded
from bench.loadtest.caller_run import CallerRun, run_callers
from bench.machine import machine
from bench.measured_process import MeasuredProcess, ProcessFailedError
from bench.scheduling import go_first
from bench.transceiver.contender import Cores
from loadtest.measures.names import Count, Latency

CALLERS_PER_CORE = 300
"""That a worker process must drive at least."""
MOST_SEND_LATENESS_MS = 10.0
"""At the 99th percentile: half a frame."""


def main() -> int:
    arguments = _arguments()
    cores = Cores.of(sorted(os.sched_getaffinity(0)))
    load_average, scheduling = os.getloadavg()[0], go_first()
    try:
        run = _run(cores, arguments.callers, arguments.seconds)
    except ProcessFailedError as error:
        print(f"not counted: the far side {error}", file=sys.stderr)
        return 1
    figures: dict[str, float | str] = {
        **figures_of(run),
        "machine.load_average": load_average,
        "machine.scheduling": scheduling,
        **machine(),
    }
    if arguments.quick:
        for name, value in figures.items():
            print(f"{name:44}{value:>12}")
    else:
        publish("loadtest_webrtc", figures)
    faults = faults_of(run)
    for fault in faults:
        print(f"not carried: {fault}")
    return int(bool(faults))


def figures_of(run: CallerRun) -> dict[str, float | str]:
    """Named as in `bench/out`."""
    counts, latencies = run.held.counts, run.held.latencies
    sent = counts.get(Count.FRAMES_SENT, 0)
    return {
        "callers": float(run.callers),
        "cpu_share": rounded(run.cpu_seconds / run.seconds),
        "callers_per_core": rounded(callers_per_core(run)),
        "cpu_us_per_frame_each_way": rounded(1e6 * run.cpu_seconds / max(sent, 1)),
        "frames_a_second_each_way": rounded(sent / run.seconds),
        "frames_lost": float(counts.get(Count.FRAMES_LOST, 0)),
        **{
            f"{latency}_ms.{name}": rounded(1000 * (latencies[latency].percentile(percent) or 0.0))
            for latency in (Latency.SEND_LATENESS, Latency.FRAME_LATENESS)
            for name, percent in (("p50", 50), ("p99", 99))
            if latency in latencies
        },
    }


def callers_per_core(run: CallerRun) -> float:
    """By the CPU time that these took."""
    return run.callers * run.seconds / run.cpu_seconds


def faults_of(run: CallerRun) -> list[str]:
    """Why the run does not show what it has to."""
    faults = list(run.failures[:3])
    lost = run.held.counts.get(Count.FRAMES_LOST, 0)
    lateness = run.held.latencies.get(Latency.SEND_LATENESS)
    late_ms = 1000 * (lateness.percentile(99) or 0.0) if lateness else float("inf")
    if callers_per_core(run) < CALLERS_PER_CORE:
        faults.append(f"{callers_per_core(run):.0f} callers a core, not {CALLERS_PER_CORE}")
    if late_ms > MOST_SEND_LATENESS_MS:
        faults.append(f"frames were sent {late_ms:.1f} ms late (p99)")
    if lost:
        faults.append(f"{lost} frames were lost")
    return faults


def _run(cores: Cores, callers: int, seconds: float) -> CallerRun:
    command = [sys.executable, "-m", "bench.peers.media_echo"]
    with MeasuredProcess("loadtest-media_echo", command, set(cores.others)) as echo:
        http = echo.report()["http"]
        os.sched_setaffinity(0, {cores.measured})
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(run_callers(f"http://{http}", callers, seconds))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.loadtest", description=__doc__)
    parser.add_argument("--callers", type=int, default=CALLERS_PER_CORE)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--quick", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
