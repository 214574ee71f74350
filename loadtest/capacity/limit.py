"""Which processes' CPU kept a load from being larger."""

from collections.abc import Mapping
from dataclasses import dataclass

from loadtest.capacity.capacity_result import Step
from loadtest.measures.names import Failure

TIER_BUSY = 0.8
"""The share of its own cores from which a tier is late: transceivers refuse calls there."""
MACHINE_BUSY = 0.9


@dataclass(frozen=True, slots=True)
class Limit:
    name: str
    says: str


def find_limit(step: Step, available: Mapping[str, float], cores: float, workers: float) -> Limit:
    """Of the step that failed. `available` and `workers` are cores that each could use at the most.

    The tier that is the busiest of its own cores is named, if it is busy enough; else the load's
    own processes, and then the machine, whose cores all share.
    """
    shares = {
        tier: used / available.get(tier, 1.0) for tier, used in step.tiers_cpu.items() if used
    }
    busiest = max(shares, key=shares.__getitem__, default="")
    if busiest and shares[busiest] >= TIER_BUSY:
        return Limit(busiest, f"{busiest} used {shares[busiest]:.0%} of its cores")
    if workers and step.workers_cpu / workers >= TIER_BUSY:
        return Limit("harness", f"the callers used {step.workers_cpu / workers:.0%} of their cores")
    if step.harness_late:
        return Limit("harness", "the callers themselves were late")
    used = sum(step.tiers_cpu.values()) + step.workers_cpu
    if cores and used / cores >= MACHINE_BUSY:
        return Limit("machine", f"all together used {used / cores:.0%} of the machine's cores")
    refused = step.failures.get(Failure.REFUSED, 0)
    turned_away = f", and {refused} calls were refused" if refused else ""
    return Limit("", f"no CPU was short; {busiest or 'no tier'} was the busiest{turned_away}")
