"""How well a model tells the CPU of a run that it was not fitted to."""

from collections.abc import Iterator, Sequence

import msgspec

from loadtest.capacity.cost_model import CostModel
from loadtest.capacity.demand import whole
from loadtest.capacity.fitting import fit
from loadtest.result import RunResult


class TierCheck(msgspec.Struct, frozen=True, kw_only=True):
    """One tier in one run, in cores on the average of the run."""

    run: str
    tier: str
    predicted: float
    measured: float

    @property
    def error(self) -> float | None:
        """By how much of what was measured the model is off; None from nothing."""
        return self.predicted / self.measured - 1.0 if self.measured else None


def check(model: CostModel, result: RunResult) -> list[TierCheck]:
    """Each tier that both know. Raises UnusableRunError."""
    window = whole(result)
    seconds = window.demand["idle"]
    return [
        TierCheck(
            run=result.label or result.name,
            tier=tier,
            predicted=model.tiers[tier].cpu(window.demand) / seconds,
            measured=measured / seconds,
        )
        for tier, measured in sorted(window.cpu_seconds.items())
        if tier in model.tiers
    ]


def leave_one_out(results: Sequence[RunResult]) -> Iterator[TierCheck]:
    """Each run by a model that was fitted to all the others. Raises UnusableRunError."""
    for left_out, result in enumerate(results):
        others = [other for index, other in enumerate(results) if index != left_out]
        yield from check(fit(others, made_by="cross-validation"), result)
