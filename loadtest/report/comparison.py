"""What changed from one run to another, beyond what each of them wavers by itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from loadtest.result import RunResult


class Change(StrEnum):
    BETTER = "better"
    WORSE = "worse"
    SAME = "same"
    """Within the noise, or too little to matter."""
    UNKNOWN = "unknown"
    """One of the two did not measure it, or not for long enough to say."""


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
    """How large a relative change the two runs' own wavering explains."""
    change: Change


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs, `before` and `after`."""

    before: RunResult
    after: RunResult
    quantities: Sequence[ComparedQuantity]
    differences: Sequence[str]
    """In what the two are not alike: scenario, machine."""


def compare(before: RunResult, after: RunResult) -> Comparison:
    raise NotImplementedError
