"""The figures of rehearsed updates as tables, for a terminal and for the docs."""

import textwrap
from collections.abc import Sequence

from bench.figures import rounded
from bench.tables import Bound, Figures, Table, as_markdown, bound_table
from tests.e2e.rollout.rehearsal import Step

STEPS = {
    "nothing": "nothing is updated",
    "relays": "relays",
    "transceivers": "transceivers",
    "inference": "inference replicas",
    "hand_over": "relays, by hand-over on their hosts",
}

BOUNDS = (
    Bound("relays: longest gap", "relays.longest_gap_seconds", 100, "ms", 1e3),
    Bound("transceivers: packets lost", "transceivers.lost_packets", 0, "packets"),
    Bound("inference replicas: longest gap", "inference.longest_gap_seconds", 1000, "ms", 1e3),
    Bound("hand-over: packets lost", "hand_over.lost_packets", 0, "packets"),
)


def figures_of(name: str, step: Step) -> dict[str, float | str]:
    """What `bench/out/rollout.json` holds of a step."""
    return {
        f"{name}.calls": float(len(step.reports)),
        f"{name}.seconds": rounded(step.seconds),
        f"{name}.longest_gap_seconds": rounded(step.longest_gap_s),
        f"{name}.lost_packets": float(step.lost),
    }


def step_table(figures: Figures) -> Table:
    rows = [["updated", "calls", "took", "longest time without a packet", "packets lost of a call"]]
    for name, title in STEPS.items():
        if f"{name}.calls" in figures:
            rows.append(
                [
                    title,
                    f"{figures[f'{name}.calls']:.0f}",
                    f"{figures[f'{name}.seconds']:.0f} s",
                    f"{1000 * float(figures[f'{name}.longest_gap_seconds']):.0f} ms",
                    f"{figures[f'{name}.lost_packets']:.0f}",
                ]
            )
    return rows


def section(figures: Figures) -> str:
    """For docs/benchmarks.md."""
    text = (
        "Made by `make rehearse-rollout`: the chart's Deployments, with its probes, hooks and "
        "waiting times, as processes in network namespaces behind a load balancer of nftables "
        "([how](decisions/0053-rehearsed-updates.md)). Every call speaks without a pause and hears "
        "its echo; a packet is 20 ms. Of all calls, the worst. "
        f"{figures['machine.cores']:.0f} cores, load average {figures['machine.load_average']:.2f} "
        "at the start."
    )
    return "\n".join(
        [
            "## Updates under live calls",
            "",
            *_filled(text),
            "",
            *as_markdown(step_table(figures)),
            "",
            "What they must keep to.",
            "",
            *as_markdown(bound_table(BOUNDS, figures)),
        ]
    )


def _filled(text: str) -> Sequence[str]:
    return textwrap.wrap(text, width=100, break_long_words=False, break_on_hyphens=False)
