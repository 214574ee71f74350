"""`python -m bench.transceiver`, all of it in about ten minutes; `--quick` is a look.

`--only voip --quick` measures the calls that one core carries, and prints the worker's process
id meanwhile, for a profiler.
"""

import argparse
import gc
import os
import sys

import uvloop

from bench.figures import percentile
from bench.transceiver import speech
from bench.transceiver.contender import Cores, aiortc, antiphon
from bench.transceiver.load_client import Habits
from bench.transceiver.load_run import LoadRun, run_load


def show(name: str, run: LoadRun) -> None:
    late = run.lateness_seconds
    milliseconds = [f"p{p:g} {1000 * percentile(late, p):.2f}" for p in (50, 95, 99, 99.9)]
    others = [f"{who} {used / run.seconds:.0%}" for who, used in run.other_cpu_seconds.items()]
    print(
        f"{name}: {run.calls} calls, {run.busy:.1%} of a core, {run.calls_per_core:.1f} calls a "
        f"core, {1e6 * run.cpu_seconds / run.expected:.0f} us a frame both ways; lateness ms "
        f"{', '.join(milliseconds)}; {', '.join(others)}"
        f"{f'; NOT COUNTED: {run.fault}' if run.fault else ''}",
        flush=True,
    )
    growth = {
        name: round(after - run.metrics_before.get(name, 0), 3)
        for name, after in run.metrics_after.items()
        if "bucket" not in name and after != run.metrics_before.get(name, 0)
    }
    print("   ", growth)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.transceiver")
    parser.add_argument("--quick", action="store_true", help="half a minute, for a look")
    parser.add_argument("--only", default="voip,celt,aiortc", help="these, with commas")
    parser.add_argument("--calls", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=10)
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.seconds = 5
    cores = Cores.of(sorted(os.sched_getaffinity(0)))
    os.sched_setaffinity(0, cores.others)
    contenders = {"voip": antiphon, "celt": antiphon, "aiortc": aiortc}
    gc.disable()
    for name in arguments.only.split(","):
        coding = speech.CELT if name == "celt" else speech.VOIP
        with contenders[name](cores) as contender:
            print(f"{name}: measuring process {contender.measured.pid}", flush=True)
            habits = Habits(speech.packets(coding))
            run = uvloop.run(run_load(contender, habits, arguments.calls, arguments.seconds))
            show(name, run)
    return 0


if __name__ == "__main__":
    sys.exit(main())
