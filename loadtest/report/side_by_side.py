"""Several runs in one table, and in plots of what more than one of them measured."""

from collections.abc import Sequence
from dataclasses import dataclass

from loadtest.measures.names import Latency
from loadtest.report import quantity
from loadtest.report.latency_plots import distribution_plot
from loadtest.report.plot import Plot
from loadtest.report.run_page import RunPage
from loadtest.result import RunResult
from loadtest.verdict.service_levels import SERVICE_LEVELS
from loadtest.verdict.wording import words

SHOWN = (
    "sessions",
    "set_up_rate",
    "calls_failed",
    "frames_on_schedule",
    "frames_lost",
    "frames_skipped",
    "misrouted",
    "turns_right",
    "faults_healed_ms",
    "set_up_p50_ms",
    "set_up_p99_ms",
    "round_trip_p50_ms",
    "round_trip_p99_ms",
    "frame_lateness_p99_ms",
    "frame_lateness_max_ms",
    "voice_to_voice_p50_ms",
    "voice_to_voice_p95_ms",
    "barge_in_p95_ms",
)
"""Of the service levels, those that a comparison begins with."""

OVERLAID = (
    Latency.SET_UP,
    Latency.FRAME_LATENESS,
    Latency.ROUND_TRIP,
    Latency.VOICE_TO_VOICE,
    Latency.SEND_LATENESS,
)


@dataclass(frozen=True, slots=True)
class OverviewRow:
    words: str
    values: Sequence[str]
    """One of each run."""


@dataclass(frozen=True, slots=True)
class Overview:
    runs: Sequence[RunPage]
    rows: Sequence[OverviewRow]
    plots: Sequence[Plot]


def side_by_side(results: Sequence[RunResult], runs: Sequence[RunPage]) -> Overview:
    rows = [row for row in (_row(name, results) for name in SHOWN) if row is not None]
    rows += _cpu_rows(results)
    plots = [
        _overlaid(latency, results, runs, f"overview-{number}")
        for number, latency in enumerate(OVERLAID)
    ]
    return Overview(runs, rows, [plot for plot in plots if plot is not None])


def _row(name: str, results: Sequence[RunResult]) -> OverviewRow | None:
    level = SERVICE_LEVELS[name]
    values = [level.measure(result) for result in results]
    if all(value is None for value in values):
        return None
    return OverviewRow(level.description, [quantity.measured(v, level.unit) for v in values])


def _cpu_rows(results: Sequence[RunResult]) -> list[OverviewRow]:
    tiers = dict.fromkeys(
        tier for result in results for second in result.series for tier in second.tiers_cpu
    )
    rows = [
        OverviewRow(
            f"Cores that {tier} used, mean",
            [quantity.cores(mean_cores(result, tier)) for result in results],
        )
        for tier in tiers
    ]
    load = [quantity.cores(mean_cores(result, "")) for result in results]
    return [*rows, OverviewRow("Cores that the load itself used, mean", load)]


def mean_cores(result: RunResult, tier: str) -> float | None:
    """Of the load itself if no tier is named. None where it was not watched."""
    used = [second.tiers_cpu.get(tier) if tier else second.workers_cpu for second in result.series]
    known = [cores for cores in used if cores is not None]
    return sum(known) / len(known) if known else None


def _overlaid(
    latency: Latency, results: Sequence[RunResult], runs: Sequence[RunPage], name: str
) -> Plot | None:
    spreads = [
        (run.title, result.latencies[latency])
        for result, run in zip(results, runs, strict=True)
        if latency in result.latencies and result.latencies[latency].count
    ]
    return distribution_plot(words(latency), spreads, name) if len(spreads) > 1 else None
