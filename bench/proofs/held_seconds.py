"""The seconds of a run in which all of its sessions were up, and what was used in them."""

import statistics
from collections.abc import Sequence

from loadtest.measures.names import Count
from loadtest.result import RunResult, Second


def held_seconds(result: RunResult) -> list[Second]:
    """From the end of the ramp until the run's end, its last second excepted."""
    ramp = float(result.scenario["load"]["ramp_seconds"])
    end = ramp + float(result.scenario["load"]["hold_seconds"])
    return [each for each in result.series if ramp + 1 <= each.second < end - 1]


def rate(seconds: Sequence[Second], *counts: Count) -> float:
    """A second, of all of them together."""
    total = sum(each.counts.get(count, 0) for each in seconds for count in counts)
    return total / max(1, len(seconds))


def tier_cores(seconds: Sequence[Second]) -> dict[str, float]:
    """Cores that each tier used on the average, `harness` for the callers."""
    tiers = sorted({tier for each in seconds for tier in each.tiers_cpu})
    cores = {tier: statistics.fmean(s.tiers_cpu.get(tier, 0.0) for s in seconds) for tier in tiers}
    return cores | {"harness": statistics.fmean(s.workers_cpu for s in seconds)} if seconds else {}
