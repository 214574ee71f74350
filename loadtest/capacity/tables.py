"""Searches and models as tables of the terminal."""

from collections.abc import Iterable

from rich.table import Table

from loadtest.capacity.capacity_result import CapacityResult, Step, TierShare
from loadtest.capacity.cost_model import CostModel
from loadtest.capacity.prediction import Prediction
from loadtest.capacity.validation import TierCheck
from loadtest.report import quantity


def step_line(step: Step) -> str:
    """One step, as it is told when it is over."""
    verdict = "holds" if step.held else "fails"
    if step.repeat:
        verdict += " again" if not step.held else ", after it had failed once"
    broken = ", ".join(
        f"{level.name} {quantity.measured(level.measured, level.unit)} "
        f"(bound {quantity.measured(level.bound, level.unit)})"
        for level in step.failed
    )
    used = ", ".join(f"{tier} {quantity.cores(cores)}" for tier, cores in step.tiers_cpu.items())
    reasons = ", ".join(f"{count} {reason}" for reason, count in step.failures.items())
    parts = [
        f"{step.sessions:,} sessions: {verdict}",
        broken,
        f"calls failed: {reasons}" if reasons else "",
        f"cores: {used}" if used else "",
    ]
    return "; ".join(part for part in parts if part)


def summary(result: CapacityResult) -> str:
    """The answer in one line."""
    if not result.largest:
        return f"Not one session held every service level: {result.broke_first} failed first."
    text = f"{result.largest:,} sessions hold every service level"
    if result.failing is None:
        return f"{text}, and more were not tried."
    limit = f"; {result.limit_says}" if result.limit_says else ""
    return f"{text}; at {result.failing:,}, {result.broke_first} fails first{limit}."


def share_table(result: CapacityResult) -> Table:
    """What each tier did at the largest load that held."""
    table = Table("tier", "cores used", "of its own", "sessions a core")
    for tier in result.tiers:
        table.add_row(*share_row(tier))
    return table


def share_row(tier: TierShare) -> tuple[str, str, str, str]:
    """Its name, cores used, the share of its own that is, and sessions a core."""
    a_core = None if tier.sessions_a_core is None else float(int(tier.sessions_a_core))
    return (
        tier.tier,
        quantity.cores(tier.cores),
        quantity.share(tier.busy),
        quantity.number(a_core),
    )


def cost_table(model: CostModel) -> Table:
    table = Table("tier", "unit", "CPU of one", "explained")
    for name, tier in model.tiers.items():
        for unit, seconds in tier.cpu_seconds.items():
            cost = f"{quantity.cores(seconds)} cores" if unit == "idle" else micro(seconds)
            table.add_row(name, unit, cost, quantity.share(tier.explained))
    return table


def micro(seconds: float) -> str:
    return f"{quantity.digits(seconds * 1e6)} µs"


def check_table(checks: Iterable[TierCheck]) -> Table:
    table = Table("run", "tier", "predicted cores", "measured cores", "error")
    for check in checks:
        table.add_row(check.run, *check_row(check))
    return table


def check_row(check: TierCheck) -> tuple[str, str, str, str]:
    """Tier, predicted cores, measured ones, error."""
    return (
        check.tier,
        quantity.cores(check.predicted),
        quantity.cores(check.measured),
        quantity.NOTHING if check.error is None else f"{check.error:+.1%}",
    )


def prediction_table(prediction: Prediction) -> Table:
    table = Table("tier", "pods", "sessions a pod", "cores used", "headroom", "memory of a pod")
    for tier in prediction.tiers:
        size = prediction.sizes[tier.tier]
        table.add_row(
            tier.tier,
            f"{tier.pods:,} of {size.cores:g} cores",
            f"{tier.sessions_a_pod:,.0f}",
            quantity.cores(tier.cores),
            quantity.share(size.headroom),
            quantity.memory(tier.memory_bytes_a_pod),
        )
    return table
