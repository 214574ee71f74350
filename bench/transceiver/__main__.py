"""`python -m bench.transceiver`; exit code 1 when a figure is missing.

All of it takes about ten minutes. `--only voip.antiphon --quick` measures the calls that one
core carries, and prints the worker's process id meanwhile, for a profiler.
"""

import argparse
import gc
import os
import sys
from importlib.metadata import version

from bench.figures import publish
from bench.machine import machine
from bench.scheduling import go_first
from bench.tables import as_text, bound_table
from bench.transceiver.codec_floor import libopus_version
from bench.transceiver.contender import Cores
from bench.transceiver.load_run import HIGHEST_LOAD
from bench.transceiver.rounds import LOADS, Rounds
from bench.transceiver.summary import BOUNDS, delay_table, load_table, peer_table
from bench.transceiver.transceiver_figures import Figures, transceiver_figures

QUICK_SECONDS = 5.0


def main() -> int:
    arguments = _arguments()
    cores = Cores.of(sorted(os.sched_getaffinity(0)))
    os.sched_setaffinity(0, cores.others)
    scheduling = go_first()
    gc.disable()  # the generator shall not be late for it
    load_average = os.getloadavg()[0]
    print(
        f"measured process on core {cores.measured}, all others on {sorted(cores.others)}; a run "
        f"with more than {HIGHEST_LOAD:.0%} of that core used, lost packets or late senders is "
        "not counted"
    )
    rounds = Rounds(cores, frozenset(arguments.only), arguments.seconds)
    for _ in range(arguments.rounds):
        rounds.run()
    if not arguments.quick:
        rounds.run_noted()
        rounds.run_once()
    figures: Figures = {
        **transceiver_figures(rounds.results),
        "rounds": float(arguments.rounds),
        "seconds": arguments.seconds,
        "not_counted": float(len(rounds.results.faults)),
        "machine.load_average": load_average,
        "machine.scheduling": scheduling,
        **machine(),
        "machine.libopus": libopus_version(),
        "machine.aiortc": version("aiortc"),
    }
    if arguments.quick:
        print(as_text(load_table(figures)), as_text(delay_table(figures)), sep="\n\n")
        return 0
    publish("transceiver", figures)
    _print_tables(figures, rounds.results.faults)
    return int(any(bound.key not in figures for bound in BOUNDS))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.transceiver")
    parser.add_argument("--quick", action="store_true", help="only calls a core, for a look")
    parser.add_argument("--rounds", type=int, help="runs that each figure is made of")
    parser.add_argument("--seconds", type=float, help="length of a run")
    parser.add_argument(
        "--only",
        type=lambda text: [_load(name) for name in text.split(",")],
        default=list(LOADS),
        help=f"of {', '.join(LOADS)}, with commas",
    )
    arguments = parser.parse_args()
    arguments.rounds = arguments.rounds or (1 if arguments.quick else 3)
    arguments.seconds = arguments.seconds or (QUICK_SECONDS if arguments.quick else 20.0)
    return arguments


def _load(name: str) -> str:
    if name not in LOADS:
        raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(LOADS)}")
    return name


def _print_tables(figures: Figures, faults: list[str]) -> None:
    for table in (load_table, delay_table, peer_table):
        print(f"\n{as_text(table(figures))}")
    print(f"\n{as_text(bound_table(BOUNDS, figures))}")
    for fault in faults:
        print(f"not counted: {fault}")


if __name__ == "__main__":
    sys.exit(main())
