"""What the load harness proves on this machine, in a quarter of an hour: `make loadtest-10k`.

Ten thousand sessions through one port and a relay replaced under them, ten thousand calls in turn,
the largest number of calls at once, and the same calls to another server. Writes
`bench/out/loadtest_10k.json`, and a report beside it; ends with 1 where a claim did not hold.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Sequence

from bench.figures import OUT, publish
from bench.machine import machine
from bench.proofs import calls_in_turn, largest_load, relay_sessions, side_by_side
from bench.proofs.part import Part, told
from loadtest.capacity.search import Bounds
from loadtest.deployment.deployment import DeploymentError
from loadtest.progress import Display, progress_display
from loadtest.report.html_report import render
from loadtest.run import RunError

NAME = "loadtest_10k"
Run = Callable[[Display], Awaitable[Part]]


def parts(*, quick: bool) -> dict[str, Run]:
    """By name; `quick` ones only show that they work."""
    relay, calls = relay_sessions.Size(), calls_in_turn.Size()
    largest, beside = largest_load.Size(), side_by_side.Size()
    if quick:
        relay = relay_sessions.Size(sessions=500, ramp_seconds=2, hold_seconds=5, rungs=(5.0,))
        calls = calls_in_turn.Size(calls=100, sessions=20, at_once=15, per_second=10)
        largest = largest_load.Size(Bounds(start=10, growth=2.0, resolution=1.0, most=10), 2, 6)
        beside = side_by_side.Size(sessions=5, ramp_seconds=2, hold_seconds=6)
    return {
        "relay": lambda display: relay_sessions.relay_sessions(display, relay),
        "calls": lambda display: calls_in_turn.calls_in_turn(display, calls),
        "largest": lambda display: largest_load.largest_load(display, largest),
        "side_by_side": lambda display: side_by_side.side_by_side(display, beside),
    }


async def proven(chosen: Sequence[Run], display: Display) -> list[Part]:
    return [await run(display) for run in chosen]


def main() -> int:
    known = parts(quick=False)
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small loads, to see that it works")
    parser.add_argument("--parts", nargs="+", choices=known, default=list(known))
    arguments = parser.parse_args()
    known = parts(quick=arguments.quick)
    began = time.monotonic()
    try:
        with progress_display() as display:
            done = asyncio.run(proven([known[name] for name in arguments.parts], display))
    except (DeploymentError, RunError) as error:
        print(f"loadtest-10k: {error}", file=sys.stderr)
        return 2
    complete = not arguments.quick and set(arguments.parts) == set(known)
    return conclude(done, time.monotonic() - began, complete=complete)


def conclude(done: Sequence[Part], seconds: float, *, complete: bool) -> int:
    """Publish, and return the exit code. What is not `complete` does not go into the docs."""
    figures = machine() | {"complete": float(complete)}
    for part in done:
        figures |= part.figures
    figures["seconds"] = round(seconds)
    publish(NAME, figures)
    report = OUT / f"{NAME}.html"
    report.write_text(render([run for part in done for run in part.runs]))
    print(f"\nreport: {report}\n")
    return told([claim for part in done for claim in part.claims])


if __name__ == "__main__":
    sys.exit(main())
