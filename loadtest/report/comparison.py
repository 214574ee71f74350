"""What changed from one run to another, beyond what each of them wavers by itself.

A change counts where it is larger than chance (loadtest.report.noise) and large enough to matter.
Of what no run should have, as failed calls and misrouted packets, chance is no excuse.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import inf

from loadtest.report.compared_quantities import Quantity, held_seconds, quantities
from loadtest.report.noise import noise_of_difference, wavering
from loadtest.result import RunResult

LEAST_CHANGE = 0.05
"""Of `before`."""
LEAST_RATIO_CHANGE = 0.0005
"""Of ratios, by themselves: five in ten thousand frames."""

FOREMOST = 3
"""Figures that the summary names."""


class Change(StrEnum):
    BETTER = "better"
    WORSE = "worse"
    SAME = "same"
    """Within the noise, or too little to matter."""
    UNKNOWN = "unknown"
    """One of the two did not measure it, or not for long enough to say."""
    NEUTRAL = "neutral"
    """Neither more nor less is better, or it is the load's own."""


@dataclass(frozen=True, slots=True)
class ComparedQuantity:
    """One row."""

    name: str
    description: str
    unit: str
    """`ms`, `ratio`, `cores`, `bytes` or empty."""
    before: float | None
    after: float | None
    relative: float | None
    """By how much of `before` it changed; None from 0 or from nothing."""
    noise: float | None
    """How large a difference the two runs' own wavering explains, of `before`, or of itself where
    it is a ratio. None where that cannot be said."""
    change: Change


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs, `before` and `after`."""

    before: RunResult
    after: RunResult
    quantities: Sequence[ComparedQuantity]
    differences: Sequence[str]
    """In what the two are not alike, so that not all that changed is the server's doing."""

    def changed(self, change: Change) -> list[ComparedQuantity]:
        return [row for row in self.quantities if row.change is change]


def compare(before: RunResult, after: RunResult) -> Comparison:
    compared = [_compared(quantity, before, after) for quantity in quantities([before, after])]
    rows = [row for row in compared if (row.before, row.after) != (None, None)]
    return Comparison(before, after, rows, _differences(before, after))


def summary(comparison: Comparison) -> str:
    """One sentence."""
    total = len(comparison.quantities)
    parts = [
        f"{len(rows)} of {total} figures are {change}, foremost {', '.join(_foremost(rows))}"
        for change in (Change.WORSE, Change.BETTER)
        if (rows := comparison.changed(change))
    ]
    return f"{'; '.join(parts)}." if parts else "Nothing changed beyond the noise."


def _foremost(rows: Sequence[ComparedQuantity]) -> list[str]:
    """Defects that were not there before, then what changed by the largest share."""
    largest = sorted(rows, key=lambda row: -(inf if row.relative is None else abs(row.relative)))
    return [
        row.description if row.relative is None else f"{row.description} ({row.relative:+.0%})"
        for row in largest[:FOREMOST]
    ]


def _compared(quantity: Quantity, before: RunResult, after: RunResult) -> ComparedQuantity:
    first, second = quantity.measure(before), quantity.measure(after)
    noise, change = _judged(quantity, before, after, first, second)
    relative = (second - first) / first if first and second is not None else None
    return ComparedQuantity(
        name=quantity.name,
        description=quantity.description,
        unit=quantity.unit,
        before=first,
        after=second,
        relative=relative,
        noise=noise,
        change=change,
    )


def _judged(
    quantity: Quantity,
    before: RunResult,
    after: RunResult,
    first: float | None,
    second: float | None,
) -> tuple[float | None, Change]:
    if quantity.neutral:
        return None, Change.NEUTRAL
    if first is None or second is None:
        return None, Change.UNKNOWN
    ratio = quantity.unit == "ratio"
    if quantity.of_seconds is None:
        enough = abs(second - first) > (LEAST_RATIO_CHANGE if ratio else 0.0)
        return None, _direction(quantity, second - first) if enough else Change.SAME
    wavers = [wavering(held_seconds(run), quantity.of_seconds) for run in (before, after)]
    if wavers[0] is None or wavers[1] is None:
        return None, Change.UNKNOWN
    difference = wavers[1].value - wavers[0].value
    noise = noise_of_difference(wavers[0], wavers[1])
    scale = 1.0 if ratio else abs(wavers[0].value) or 1.0
    least = LEAST_RATIO_CHANGE if ratio else LEAST_CHANGE
    beyond = abs(difference) > max(noise, least * scale)
    return noise / scale, _direction(quantity, difference) if beyond else Change.SAME


def _direction(quantity: Quantity, difference: float) -> Change:
    if not difference:
        return Change.SAME
    return Change.BETTER if (difference > 0) == quantity.higher_is_better else Change.WORSE


def _differences(before: RunResult, after: RunResult) -> list[str]:
    parts = {
        f"scenario.{name}": (before.scenario.get(name), after.scenario.get(name))
        for name in sorted({*before.scenario, *after.scenario} - {"service_levels"})
    }
    parts |= {
        f"machine.{name}": (before.machine.get(name), after.machine.get(name))
        for name in sorted({*before.machine, *after.machine})
    }
    parts["workers"] = (before.workers, after.workers)
    return [name for name, (first, second) in parts.items() if first != second]
