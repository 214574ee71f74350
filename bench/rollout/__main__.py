"""`python -m bench.rollout`: update every tier of the chart as it ships, under live calls.

Needs root, for network namespaces, and Helm's library. Takes about six minutes, most of them
the chart's own waiting times; `--quick` shortens these. Exit code 1 when a bound is missed.
"""

import argparse
import asyncio
import os
import sys

from bench.figures import publish
from bench.machine import machine
from bench.rollout.summary import BOUNDS, figures_of, step_table
from bench.tables import as_text, bound_table
from tests.deploy.k8s.helm import render, why_not
from tests.e2e.namespaces import why_no_namespaces
from tests.e2e.rollout.cluster import Delays
from tests.e2e.rollout.rehearsal import Step, rehearsal, rehearse, rehearse_hand_over
from tests.e2e.rollout.values import DEPLOYMENTS, HAND_OVER, QUICK, merged

SLOW = Delays(endpoints_s=1.0, health_check_s=10.0, dns_cache_s=30.0)
"""As managed clusters are: CoreDNS may remember for 30 s, load balancers check twice in 10 s."""

STEPS = ("nothing", "relays", "transceivers", "inference")


def main() -> int:
    arguments = _arguments()
    if reason := why_no_namespaces("nft", "conntrack") or why_not():
        print(f"cannot rehearse: {reason}", file=sys.stderr)
        return 1
    load_average = os.getloadavg()[0]
    steps = _steps(arguments.calls, quick=arguments.quick)
    figures: dict[str, float | str] = {}
    for name, step in steps.items():
        print(step)
        figures |= figures_of(name, step)
    figures |= {**machine(), "machine.load_average": load_average}
    if not arguments.quick:
        publish("rollout", figures)
    print(f"\n{as_text(step_table(figures))}\n\n{as_text(bound_table(BOUNDS, figures))}")
    return int(any(bound.row(figures)[-1] == "MISSED" for bound in BOUNDS))


def _steps(calls: int, *, quick: bool) -> dict[str, Step]:
    values, delays = (QUICK, Delays(0.3, 0.5, 2.0)) if quick else ({}, SLOW)
    deployments = asyncio.run(render(merged(DEPLOYMENTS, values)))
    hosts = asyncio.run(render(merged(DEPLOYMENTS, values, HAND_OVER)))
    with rehearsal(deployments, delays) as running:
        steps = dict(zip(STEPS, rehearse(running, calls), strict=True))
    with rehearsal(hosts, delays, nodes=1) as running:
        steps["hand_over"] = rehearse_hand_over(running, calls)
    return steps


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.rollout")
    parser.add_argument("--calls", type=int, default=50)
    parser.add_argument("--quick", action="store_true", help="short waiting times, for a look")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
