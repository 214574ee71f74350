"""What came of one sentence."""

from collections.abc import Mapping
from dataclasses import dataclass

from bench.narrowband.conditions import Condition
from bench.narrowband.line import Line


@dataclass(frozen=True, slots=True)
class Outcome:
    """Under one condition."""

    words: int
    errors: int | None
    """None where they are not counted."""
    pesq: float | None
    """ITU-T P.862 against the same line when nothing is lost; None where nothing is."""


@dataclass(frozen=True, slots=True)
class Voiced:
    """When the voice model hears the sentence begin and end, in ms; None: it does not."""

    span: tuple[float, float] | None


Findings = tuple[Mapping[Condition, Outcome], Mapping[Line, Voiced]]
