"""`python -m bench.websocket`; exit code 1 when the run does not count.

`--quick` prints its figures and leaves the files as they are.
"""

import argparse
import asyncio
import gc
import os
import sys
import tempfile
from pathlib import Path

from bench.figures import publish
from bench.machine import machine
from bench.measured_process import ProcessFailedError
from bench.scheduling import go_first
from bench.tables import as_text
from bench.transceiver.contender import Cores, antiphon
from bench.websocket.event_load import LoadRun, run_load
from bench.websocket.summary import delay_table, figures_of

ENGINE = "bench.websocket.stamping_inference"


def main() -> int:
    arguments = _arguments()
    cores = Cores.of(sorted(os.sched_getaffinity(0)))
    os.sched_setaffinity(0, cores.others)
    scheduling = go_first()
    gc.disable()  # the generator shall not be late for it
    load_average = os.getloadavg()[0]
    try:
        run = _run(cores, arguments.sessions, arguments.seconds)
    except ProcessFailedError as error:
        print(f"not counted: the transceiver {error}", file=sys.stderr)
        return 1
    figures = {
        **figures_of(run),
        "machine.load_average": load_average,
        "machine.scheduling": scheduling,
        **machine(),
    }
    print(as_text(delay_table(figures)), end="\n\n")
    if run.fault or arguments.quick:
        for name, value in figures.items():
            print(f"{name:44}{value:>12}")
        print(f"not counted: {run.fault or 'a quick look'}")
        return int(bool(run.fault))
    publish("websocket", figures)
    return 0


def _run(cores: Cores, sessions: int, seconds: float) -> LoadRun:
    with tempfile.TemporaryDirectory() as directory:
        notes = Path(directory) / "notes"
        with antiphon(cores, notes=notes, engine=ENGINE) as contender:
            print(f"measured worker: process {contender.measured.pid} on core {cores.measured}")
            return asyncio.run(run_load(contender, notes, sessions, seconds))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.websocket")
    parser.add_argument("--quick", action="store_true", help="5 s, for a look")
    parser.add_argument("--sessions", type=int, default=200, help="at once")
    parser.add_argument("--seconds", type=float, help="length of the run")
    arguments = parser.parse_args()
    arguments.seconds = arguments.seconds or (5.0 if arguments.quick else 30.0)
    return arguments


if __name__ == "__main__":
    sys.exit(main())
