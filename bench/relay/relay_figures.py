"""What `bench/out/relay.json` holds, from the valid runs of all rounds.

A median under each name, with the smallest and largest run under `.min` and `.max`. Costs are
CPU seconds of a relay per million packets, each direction counting one.
"""

from collections.abc import Sequence

from bench.figures import median, rounded
from bench.relay.contenders import Contender
from bench.relay.control_path import FLOWS
from bench.relay.measurement import Latency
from bench.relay.rounds import LOADS, Results

Figures = dict[str, float | str]


def relay_figures(results: Results, contenders: Sequence[Contender]) -> Figures:
    return {
        **_costs(results, contenders),
        **_latencies(results),
        **_speedup(results),
        **_flow_table(results),
    }


def _costs(results: Results, contenders: Sequence[Contender]) -> Figures:
    figures: Figures = {}
    for load in LOADS:
        for contender in contenders:
            name = f"{load}.{contender.key}"
            if contender.missing:
                figures[name] = f"not measured: {contender.missing}"
                continue
            runs = results.costs[load, contender.key]
            figures |= median(name, [run.cpu_seconds_per_million for run in runs])
            figures |= median(
                f"{name}.packets_per_second", [run.packets_per_second for run in runs]
            )
        ours, theirs = figures.get(f"{load}.antiphon"), figures.get(f"{load}.go")
        if isinstance(ours, float) and isinstance(theirs, float):
            figures[f"{load}.ratio"] = rounded(ours / theirs)
    return figures


def _latencies(results: Results) -> Figures:
    figures: Figures = {}
    for name, runs in results.latencies.items():
        figures |= median(f"latency20k.{name}.p50_seconds", [run.p50 for run in runs])
        figures |= median(f"latency20k.{name}.p99_seconds", [run.p99 for run in runs])
    figures["latency20k.scheduling"] = _scheduling(
        [run for runs in results.latencies.values() for run in runs]
    )
    return figures


def _scheduling(runs: Sequence[Latency]) -> str:
    return "SCHED_FIFO" if runs and all(run.real_time for run in runs) else "SCHED_OTHER"


def _speedup(results: Results) -> Figures:
    if not results.speedups:
        return {}
    throughput = all(each.by_throughput for each in results.speedups)
    basis = "packets a second" if throughput else "CPU a packet, as the generator is the limit"
    return {
        **median("workers2.speedup", [each.factor for each in results.speedups]),
        "workers2.basis": basis,
    }


def _flow_table(results: Results) -> Figures:
    tables = results.flow_tables
    if not tables:
        return {}
    last = tables[-1]
    return {
        **median("install.flows_per_second", [each.installs_per_second for each in tables]),
        "memory.flows": float(FLOWS),
        "memory.table_bytes_per_flow": rounded(last.table_bytes / FLOWS),
        "memory.rss_bytes": float(last.resident_bytes[0]),
        "memory.rss_bytes.refreshed": float(last.resident_bytes[-1]),
        **median("memory.growth", [each.growth for each in tables]),
    }
