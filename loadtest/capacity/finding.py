"""Runs a scenario at one load after another, until the largest that holds is known."""

import math
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field

import msgspec

from loadtest.capacity.capacity_result import CapacityResult, Step, TierShare
from loadtest.capacity.limit import Limit, find_limit
from loadtest.capacity.search import Bounds, CapacitySearch
from loadtest.harness_lateness import MAX_ARRIVAL_SECONDS, MAX_SEND_SECONDS
from loadtest.measures.names import Latency
from loadtest.result import LevelRecord, RunResult, Second
from loadtest.scenario.scenario import Scenario
from loadtest.verdict.service_levels import find

Run = Callable[[Scenario], Awaitable[RunResult]]
"""A fresh run, judged by the scenario's service levels."""
Told = Callable[[Step, RunResult], None]
"""What is told of each step, as it is over."""


REACHED = 0.8
"""The share of a step's sessions that must be up at once; of short calls some are about to be."""


class CapacitySearchError(ValueError):
    """The scenario is none to search with; the text says why."""


@dataclass(frozen=True, slots=True)
class Cores:
    """What each part can use at the most."""

    tiers: Mapping[str, float] = field(default_factory=dict)
    """One each, unless given."""
    workers: float = 1.0
    """The load's own processes, together."""
    machine: float = 0.0
    """0: not known, or several machines."""


async def find_capacity(
    scenario: Scenario, run: Run, *, bounds: Bounds, cores: Cores, told: Told
) -> CapacityResult:
    """Raises CapacitySearchError for a scenario without service levels, and what `run` raises."""
    if not scenario.service_levels:
        raise CapacitySearchError(f"{scenario.name}: service_levels: there are none to hold")
    search, steps, runs = CapacitySearch(bounds), list[Step](), list[RunResult]()
    while search.next is not None:
        sessions, repeat = search.next, search.repeats
        result = await run(at_load(scenario, sessions))
        step = step_of(result, sessions, repeat=repeat)
        steps.append(step)
        runs.append(result)
        told(step, result)
        search.tell(step.held)
    return _result(scenario, search, steps, runs[0], cores)


def at_load(scenario: Scenario, sessions: int) -> Scenario:
    return msgspec.structs.replace(
        scenario, load=msgspec.structs.replace(scenario.load, sessions=sessions)
    )


def step_of(result: RunResult, sessions: int, *, repeat: bool) -> Step:
    failed = [level for level in (*result.levels, *_reached(result, sessions)) if not level.held]
    held = _after_ramp(result)
    tiers = sorted({tier for second in held for tier in second.tiers_cpu})
    return Step(
        sessions=sessions,
        held=result.passed and not failed,
        repeat=repeat,
        failed=tuple(sorted(failed, key=excess, reverse=True)),
        failures={failure.reason: failure.count for failure in result.failures},
        peak_sessions=result.peak_sessions,
        tiers_cpu={tier: _mean([s.tiers_cpu.get(tier, 0.0) for s in held]) for tier in tiers},
        workers_cpu=_mean([second.workers_cpu for second in held]),
        harness_late=any(_late(result, *limit) for limit in _HARNESS_LIMITS),
    )


_HARNESS_LIMITS = (
    (Latency.ARRIVAL_LATENESS, MAX_ARRIVAL_SECONDS),
    (Latency.SEND_LATENESS, MAX_SEND_SECONDS),
)


def _reached(result: RunResult, sessions: int) -> Iterator[LevelRecord]:
    """A level of the search's own: a load that was not there was not held, whoever is to blame."""
    level = find("sessions")
    bound, peak = math.ceil(REACHED * sessions), result.peak_sessions
    yield LevelRecord(
        name=level.name,
        description=level.description,
        bound=bound,
        measured=peak,
        held=peak >= bound,
        unit=level.unit,
    )


def _late(result: RunResult, latency: Latency, limit: float) -> bool:
    spread = result.latencies.get(latency)
    return spread is not None and spread.p99 > limit


def excess(level: LevelRecord) -> float:
    """How far beyond its bound, as a multiple of what is allowed; endless where nothing came."""
    if level.measured is None:
        return math.inf
    if level.measured > level.bound:
        return _ratio(level.measured, level.bound)
    if level.unit == "ratio":
        return _ratio(1.0 - level.measured, 1.0 - level.bound)
    return _ratio(level.bound, level.measured)


def _ratio(found: float, allowed: float) -> float:
    return found / allowed if allowed > 0.0 else math.inf


def _after_ramp(result: RunResult) -> list[Second]:
    load = result.scenario.get("load", {})
    begin = float(load.get("ramp_seconds", 0.0))
    end = begin + float(load.get("hold_seconds", result.seconds))
    held = [second for second in result.series if begin <= second.second < end]
    return held or result.series


def _mean(numbers: list[float]) -> float:
    return sum(numbers) / len(numbers) if numbers else 0.0


def _result(
    scenario: Scenario, search: CapacitySearch, steps: list[Step], first: RunResult, cores: Cores
) -> CapacityResult:
    best = next((step for step in reversed(steps) if step.held), None)
    worst = _smallest_failing(steps)
    limit = (
        find_limit(worst, cores.tiers, cores.machine, cores.workers)
        if worst
        else Limit("", "nothing failed")
    )
    return CapacityResult(
        scenario=scenario.name,
        started_at=first.started_at,
        machine=first.machine,
        steps=steps,
        largest=search.largest,
        failing=search.failing,
        broke_first=worst.failed[0].name if worst and worst.failed else "",
        limit=limit.name,
        limit_says=limit.says,
        tiers=_tiers(best, cores) if best else [],
    )


def _smallest_failing(steps: list[Step]) -> Step | None:
    """Of those that failed twice, the second time."""
    twice = [step for step in steps if step.repeat and not step.held]
    return min(twice, key=lambda step: step.sessions, default=None)


def _tiers(step: Step, cores: Cores) -> list[TierShare]:
    return [
        TierShare(
            tier=tier,
            cores=used,
            available=cores.tiers.get(tier, 1.0),
            sessions_a_core=step.sessions / used if used else None,
        )
        for tier, used in step.tiers_cpu.items()
    ]
