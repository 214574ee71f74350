"""What two runs are compared by: what is shown of each, and what says how far it wavers."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import exp, log

from loadtest.measures.names import Count, Latency
from loadtest.report.noise import Statistic
from loadtest.result import RunResult, Second
from loadtest.verdict.service_levels import ANSWERED, DUE, PERCENTILE_WORDS, SERVICE_LEVELS
from loadtest.verdict.wording import words


@dataclass(frozen=True, slots=True)
class Quantity:
    """One row of a comparison."""

    name: str
    description: str
    unit: str
    """As `loadtest.report.comparison.ComparedQuantity` has it."""
    measure: Callable[[RunResult], float | None]
    """Of the whole run: what is shown."""
    of_seconds: Statistic | None
    """The same, or what goes with it, of some seconds: what is judged. None of what no run should
    have, of which any difference counts, however it came."""
    higher_is_better: bool = False
    neutral: bool = False
    """Neither more nor less of it is better: it is only shown."""


def quantities(runs: Sequence[RunResult]) -> list[Quantity]:
    """Those that any of the runs has."""
    latencies = [latency for latency in Latency if any(latency in run.latencies for run in runs)]
    return [
        *_COUNTED,
        *(_latency(latency, p) for latency in latencies for p in _SHOWN),
        *_tiers(runs),
    ]


_OF_THE_LOAD = (Latency.ARRIVAL_LATENESS, Latency.SEND_LATENESS)
_SHOWN = {"p50": 0, "p99": 1}
"""Percentiles, and where a second has them."""


def _latency(latency: Latency, percentile: str) -> Quantity:
    """Judged by the geometric mean over seconds: of what varies by its share, not by its sum."""
    index = _SHOWN[percentile]

    def of_seconds(seconds: Sequence[Second]) -> float | None:
        found = [
            second.latencies[latency][index] for second in seconds if latency in second.latencies
        ]
        return exp(sum(log(max(value, 1e-6)) for value in found) / len(found)) if found else None

    level = SERVICE_LEVELS[f"{latency}_{percentile}_ms"]
    description = f"{words(latency)}, {PERCENTILE_WORDS[percentile]}"
    neutral = latency in _OF_THE_LOAD
    return Quantity(level.name, description, "ms", level.measure, of_seconds, neutral=neutral)


def _ratio(name: str, part: Count, *whole: Count) -> Quantity:
    def of_seconds(seconds: Sequence[Second]) -> float | None:
        of = sum(_sum(seconds, count) for count in whole)
        return _sum(seconds, part) / of if of else None

    level = SERVICE_LEVELS[name]
    return Quantity(name, level.description, level.unit, level.measure, of_seconds, level.at_least)


def _sum(seconds: Iterable[Second], count: Count) -> int:
    return sum(second.counts.get(count, 0) for second in seconds)


def _defect(name: str) -> Quantity:
    level = SERVICE_LEVELS[name]
    return Quantity(name, level.description, level.unit, level.measure, None)


def _peak() -> Quantity:
    level = SERVICE_LEVELS["sessions"]
    return Quantity("sessions", level.description, "", level.measure, None, neutral=True)


_COUNTED = (
    _peak(),
    _defect("calls_failed"),
    _ratio("frames_on_schedule", Count.FRAMES_ON_SCHEDULE, *DUE),
    _ratio("frames_lost", Count.FRAMES_LOST, *DUE),
    _ratio("frames_skipped", Count.FRAMES_SKIPPED, *DUE),
    _ratio("turns_right", Count.TURNS_RIGHT, *ANSWERED),
    _defect("misrouted"),
    _defect("frames_unauthenticated"),
    _defect("errors_received"),
)


def _tiers(runs: Sequence[RunResult]) -> list[Quantity]:
    seconds = [second for run in runs for second in run.series]
    tiers = dict.fromkeys(tier for second in seconds for tier in second.tiers_cpu)
    cpu = [
        _mean(f"cores_{tier}", f"Cores that {tier} used", "cores", _cores(tier)) for tier in tiers
    ]
    memory = [
        _mean(f"memory_{tier}", f"Memory of {tier}", "bytes", _memory(tier)) for tier in tiers
    ]
    load = _mean(
        "cores_load", "Cores that the load itself used", "cores", lambda second: second.workers_cpu
    )
    return [*cpu, *memory, load]


def _cores(tier: str) -> Callable[[Second], float | None]:
    return lambda second: second.tiers_cpu.get(tier)


def _memory(tier: str) -> Callable[[Second], float | None]:
    return lambda second: second.tiers_memory.get(tier)


def _mean(
    name: str, description: str, unit: str, value: Callable[[Second], float | None]
) -> Quantity:
    def of_seconds(seconds: Sequence[Second]) -> float | None:
        found = [one for one in map(value, seconds) if one is not None]
        return sum(found) / len(found) if found else None

    return Quantity(
        name, f"{description}, mean", unit, lambda run: of_seconds(held_seconds(run)), of_seconds
    )


def held_seconds(run: RunResult) -> list[Second]:
    """Those in which the load was whole: after the ramp and the warm-up."""
    begin = max(run.scenario["load"]["ramp_seconds"], run.scenario["warm_up_seconds"])
    return [second for second in run.series if second.second >= begin]
