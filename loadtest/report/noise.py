"""How much a run wavers by itself: what another one must differ by more than.

Seconds near each other are alike, so that they say less than as many independent ones. They are
therefore taken together as ten batches, and the statistic's standard error is that of leaving each
batch out in turn (the jackknife over batches, as for the output of simulations:
https://en.wikipedia.org/wiki/Jackknife_resampling). It sees what changes from batch to batch within
a run, and not what is another from run to run, as a machine's mood.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt

from loadtest.result import Second

BATCHES = 10
ERRORS = 3.0
"""By how many standard errors of their difference two runs must differ."""

Statistic = Callable[[Sequence[Second]], float | None]
"""Of some seconds of a run; None where they have nothing to say."""


@dataclass(frozen=True, slots=True)
class Wavering:
    """A run's own."""

    value: float
    error: float
    """One standard error of it."""


def wavering(seconds: Sequence[Second], statistic: Statistic) -> Wavering | None:
    """None of a run too short to have ten batches, or with batches that say nothing."""
    value = statistic(seconds)
    if value is None or len(seconds) < BATCHES:
        return None
    left_out = [statistic(rest) for rest in _leaving_out(seconds)]
    known = [one for one in left_out if one is not None]
    if len(known) < BATCHES:
        return None
    mean = sum(known) / BATCHES
    spread = sum((one - mean) ** 2 for one in known)
    return Wavering(value, sqrt(spread * (BATCHES - 1) / BATCHES))


def noise_of_difference(before: Wavering, after: Wavering) -> float:
    """What a difference of the two must exceed to be more than chance."""
    return ERRORS * sqrt(before.error**2 + after.error**2)


def _leaving_out(seconds: Sequence[Second]) -> list[list[Second]]:
    edges = [round(len(seconds) * batch / BATCHES) for batch in range(BATCHES + 1)]
    return [[*seconds[:begin], *seconds[end:]] for begin, end in pairwise(edges)]
