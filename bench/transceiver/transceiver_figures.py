"""What `bench/out/transceiver.json` holds, from the valid runs of all rounds.

A median under each name, with the smallest and largest run under `.min` and `.max`, where there
are several.
"""

import math
import statistics
from collections.abc import Callable, Sequence

from bench.figures import median, percentile, rounded
from bench.transceiver.histogram import Histogram
from bench.transceiver.load_run import LoadRun
from bench.transceiver.noted_run import NotedRun
from bench.transceiver.rounds import Results

Figures = dict[str, float | str]

FRAME_LATENESS = "antiphon_transceiver_frame_lateness_seconds"
ARRIVAL_TO_ENGINE = "antiphon_transceiver_arrival_to_engine_seconds"
PERCENTILES = {"p50": 50, "p95": 95, "p99": 99, "p999": 99.9}

OURS, THEIRS = "voip.antiphon", "voip.aiortc"


def transceiver_figures(results: Results) -> Figures:
    return {
        **_loads(results),
        **_inside("frame_lateness", FRAME_LATENESS, results.loads.get(OURS, [])),
        **_inside("arrival_to_engine", ARRIVAL_TO_ENGINE, results.loads.get(OURS, [])),
        **_outside(results),
        **_noted(results),
        **_starts(results),
        **_once(results),
    }


def _loads(results: Results) -> Figures:
    figures: Figures = {}
    for name, runs in results.loads.items():
        key = f"sessions_per_core.{name}"
        figures |= median(key, [run.calls_per_core for run in runs])
        figures[f"{key}.calls"] = float(statistics.median(run.calls for run in runs))
        figures[f"{key}.load"] = rounded(statistics.median(run.busy for run in runs))
    for name, floors in results.floors.items():
        figures |= median(f"sessions_per_core.{name}.libopus_alone", floors)
    ours, theirs = (figures.get(f"sessions_per_core.{name}") for name in (OURS, THEIRS))
    if isinstance(ours, float) and isinstance(theirs, float):
        figures["sessions_per_core.ratio"] = rounded(ours / theirs)
    return figures


def _inside(name: str, metric: str, runs: Sequence[LoadRun]) -> Figures:
    """By the transceiver's own histogram."""
    histograms = [Histogram(metric, run.metrics_before, run.metrics_after) for run in runs]
    return _percentiles(name, [histogram.percentile for histogram in histograms])


def _outside(results: Results) -> Figures:
    """By when the kernel had the packets for the clients."""
    figures: Figures = {}
    for name, runs in results.loads.items():
        lateness = [sorted(run.lateness_seconds) for run in runs]
        figures |= _percentiles(
            f"frame_lateness_outside.{name}", [_percentile_of(each) for each in lateness]
        )
    return figures


def _noted(results: Results) -> Figures:
    figures: Figures = {}
    for name, run in results.noted.items():
        figures |= _percentiles(f"send_to_engine.{name}", [_percentile_of(run.delays)])
        figures |= _losses(name.partition(".")[2], run)
    return figures


def _losses(who: str, run: NotedRun) -> Figures:
    key, usual = "after_one_lost_packet", percentile(run.delays, 50)
    once, lasting = ([getattr(each, part) for each in run.losses] for part in ("once", "lasting"))
    return {
        f"{key}.{who}.calls": float(len(run.losses)),
        f"{key}.{who}.usual_seconds": rounded(usual),
        **median(f"{key}.{who}.once_seconds", once),
        **median(f"{key}.{who}.lasting_seconds", lasting),
    }


def _starts(results: Results) -> Figures:
    figures: Figures = {}
    for name, starts in results.starts.items():
        key = f"start_up.{name.partition('.')[2]}"
        waits = [start.post_to_media_seconds for start in starts]
        figures |= median(f"{key}.post_to_media_seconds", waits)
        figures[f"{key}.round_trips"] = float(max(start.round_trips for start in starts))
    return figures


def _once(results: Results) -> Figures:
    figures: Figures = {}
    for name, seconds in results.set_up_cpu_seconds.items():
        figures[f"setup_cpu.{name}_seconds"] = rounded(seconds)
    if results.bytes_per_call is not None:
        figures["memory_per_session_bytes"] = rounded(results.bytes_per_call)
    if results.recovery is not None and results.recovery.lost:
        lost = results.recovery.lost
        figures["red_recovered.loss5"] = rounded(results.recovery.recovered / lost)
        figures["red_recovered.loss5.recoverable"] = rounded(results.recovery.recoverable / lost)
        figures["red_recovered.loss5.lost"] = float(lost)
    return figures


def _percentiles(name: str, runs: Sequence[Callable[[float], float | None]]) -> Figures:
    """`NAME.p50_seconds` and so on, of functions that give a run's percentiles."""
    figures: Figures = {}
    for label, percent in PERCENTILES.items():
        found = [run(percent) for run in runs]
        values = [value for value in found if value is not None and math.isfinite(value)]
        figures |= median(f"{name}.{label}_seconds", values)
    return figures


def _percentile_of(values: Sequence[float]) -> Callable[[float], float]:
    return lambda percent: percentile(values, percent)
