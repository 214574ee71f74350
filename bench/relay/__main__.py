"""`python -m bench.relay --rounds 5 --seconds 1`; exit code 1 when a figure is missing."""

import argparse
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import version

from bench.figures import publish
from bench.machine import machine
from bench.relay.contenders import Contender, contenders
from bench.relay.measurement import LAG_TOLERANCE, LOSS_TOLERANCE, PACE_TOLERANCE
from bench.relay.relay_figures import Figures, relay_figures
from bench.relay.rounds import Cores, Results, run_rounds
from bench.relay.summary import BOUNDS, cost_table, latency_table
from bench.tables import as_text, bound_table


def main() -> int:
    arguments = _arguments()
    cores = Cores.of(sorted(os.sched_getaffinity(0)))
    load_average = os.getloadavg()[0]
    compared = _asked_for(contenders(), arguments.relays)
    for contender in compared:
        if contender.missing:
            print(f"{contender.title}: not measured, {contender.missing}")
    print(
        f"generator on core {cores.generator}, relay on core {cores.relay}; a run with a wrong "
        f"packet, more than {LOSS_TOLERANCE:.1%} lost, {PACE_TOLERANCE:.0%} fewer sent than its "
        f"pace, or {LAG_TOLERANCE:.0%} fewer of those carried in time is not counted"
    )
    results = run_rounds(compared, cores, arguments.rounds, arguments.seconds)
    figures = relay_figures(results, compared)
    figures |= {
        "rounds": float(arguments.rounds),
        "seconds": arguments.seconds,
        "not_counted": float(len(results.faults)),
        "machine.load_average": load_average,
        **_machine_and_peers(compared),
    }
    publish("relay", figures)
    _print_tables(figures, results)
    missing = [bound.key for bound in BOUNDS if bound.key not in figures]
    if missing:
        print(f"not measured: {', '.join(missing)}")
    return int(bool(missing))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.relay")
    parser.add_argument("--rounds", type=int, default=5, help="runs that each figure is made of")
    parser.add_argument("--seconds", type=float, default=1.0, help="length of a run")
    parser.add_argument("--relays", help="only these, by the names in relay.json, with commas")
    return parser.parse_args()


def _asked_for(compared: list[Contender], only: str | None) -> list[Contender]:
    if only is None:
        return compared
    keys = only.split(",")
    return [
        each if each.key in keys else replace(each, missing="not asked for") for each in compared
    ]


def _print_tables(figures: Figures, results: Results) -> None:
    print("\nCPU seconds a million packets (smallest..largest run), multiple of the Go relay's")
    print(as_text(cost_table(figures)))
    print(
        "\none-way latency in us, added by the relay, 20,000 packets/s, "
        f"{figures['latency20k.scheduling']}"
    )
    print(as_text(latency_table(figures)))
    print(f"\ntwo workers beside one: by {figures.get('workers2.basis', 'nothing')}")
    print(as_text(bound_table(BOUNDS, figures)))
    for fault in results.faults:
        print(f"not counted: {fault}")


def _machine_and_peers(compared: list[Contender]) -> Figures:
    present = {contender.key for contender in compared if not contender.missing}
    versions = {package: version(package) for package in ("numba", "numpy")}
    if "go" in present:
        versions["go"] = _first_line("go", "version").split()[2].removeprefix("go")
    if "coturn" in present:
        versions["coturn"] = _first_line("turnserver", "--version").split("-")[-1]
    return machine() | {f"machine.{name}": text for name, text in versions.items()}


def _first_line(program: str, flag: str) -> str:
    found = subprocess.run(
        [shutil.which(program) or program, flag], capture_output=True, text=True, check=False
    )
    return (found.stdout.strip() or found.stderr.strip()).splitlines()[0]


if __name__ == "__main__":
    sys.exit(main())
