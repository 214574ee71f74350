"""`python -m bench.inference`: all parts, as `bench/out/inference.json` and a plot."""

import argparse
import os
import sys
import time
from pathlib import Path

from bench.figures import publish
from bench.inference.parts import PARTS, Figures, PartFailedError
from bench.inference.plot import draw
from bench.inference.summary import BOUNDS
from bench.machine import machine
from bench.tables import as_text, bound_table

PLOT = Path(__file__).parents[2] / "docs" / "turn-latency.svg"


def measure(names: list[str], *, quick: bool) -> tuple[Figures, list[str]]:
    """The figures of the parts, and what went wrong."""
    figures: Figures = {**machine(), "machine.load_average": round(os.getloadavg()[0], 2)}
    failures = []
    for part in PARTS:
        if part.name not in names:
            continue
        print(f"--- {part.name}", flush=True)
        began = time.monotonic()
        try:
            figures |= part.run(quick=quick)
        except PartFailedError as error:
            failures.append(str(error))
        figures[f"seconds.{part.name}"] = round(time.monotonic() - began, 1)
    return figures, failures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two minutes; no figures to keep")
    names = [part.name for part in PARTS]
    parser.add_argument("--parts", nargs="+", choices=names, default=names)
    arguments = parser.parse_args()
    figures, failures = measure(arguments.parts, quick=arguments.quick)
    figures["quick"] = float(arguments.quick)
    print("--- all")
    publish("inference", figures)
    if not arguments.quick and "turn_latency.rules.p50_seconds" in figures:
        PLOT.write_text(draw(figures))
    print()
    print(as_text(bound_table(BOUNDS, figures)))
    for failure in failures:
        print(f"!!! not measured: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
