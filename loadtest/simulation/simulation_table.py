"""A simulation as rows of figures, for the terminal and for the page."""

from collections.abc import Sequence

from rich.table import Table

from loadtest.report import quantity
from loadtest.simulation.simulation_result import RegionResult, SimulationResult

LABELS = (
    "calls that came",
    "at once, at the most",
    "refused",
    "interrupted",
    "cut for good",
    "served elsewhere",
    "set-up, median",
    "set-up, p99",
    "time over its levels",
    "most pods",
    "core-hours",
)
"""Pods and core-hours by tier, in the order of the model: relay, transceiver, inference."""


def summary(result: SimulationResult) -> str:
    peak = sum(region.peak_sessions for region in result.regions)
    text = (
        f"{_time(result.seconds)} of up to {peak:,} calls at once, {result.events:,} events; "
        f"{quantity.share(result.refused_share)} of all calls refused, "
        f"{result.core_hours:,.0f} core-hours"
    )
    if not result.wall_seconds:
        return text
    rate = quantity.digits(result.events / result.wall_seconds / 1e6)
    return f"{text}; simulated in {_time(result.wall_seconds)}, {rate} million events a second"


def rows(result: SimulationResult) -> list[list[str]]:
    """A row a figure, which begins with its label and has a column a region."""
    columns = [LABELS, *(_column(region) for region in result.regions)]
    return [list(row) for row in zip(*columns, strict=True)]


def table(result: SimulationResult) -> Table:
    shown = Table("callers of", *(region.name for region in result.regions))
    for row in rows(result):
        shown.add_row(*row)
    return shown


def _column(region: RegionResult) -> list[str]:
    return [
        f"{region.arrived:,}",
        f"{region.peak_sessions:,}",
        quantity.share(region.refused / region.arrived if region.arrived else 0.0),
        f"{region.interrupted:,}",
        f"{region.cut:,}",
        f"{region.away:,}",
        quantity.duration(region.set_up_p50_seconds),
        quantity.duration(region.set_up_p99_seconds),
        _time(region.over_level_seconds),
        _by_tier([f"{pods:,}" for pods in region.peak_pods.values()]),
        _by_tier([f"{hours:,.0f}" for hours in region.core_hours.values()]),
    ]


def _by_tier(figures: Sequence[str]) -> str:
    return " / ".join(figures)


def _time(seconds: float) -> str:
    if seconds < 3600:
        return quantity.duration(seconds) if seconds else "0 s"
    return f"{quantity.digits(seconds / 3600)} h"
