"""One part of a proof: what it claims, its figures, and the runs that they were found in."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from loadtest.result import LevelRecord, RunResult


@dataclass(frozen=True, slots=True)
class Claim:
    """Something that has to hold."""

    text: str
    held: bool
    found: str
    figure: str = ""
    """The name of `value` among the figures, where it is in no other of them."""
    value: float = 0.0


@dataclass(frozen=True, slots=True)
class Part:
    figures: dict[str, float | str]
    runs: list[RunResult]
    claims: list[Claim] = field(default_factory=list)


def at_most(text: str, found: float | None, bound: float, unit: str = "") -> Claim:
    return Claim(text, found is not None and found <= bound, _found(found, unit))


def at_least(text: str, found: float | None, bound: float, unit: str = "") -> Claim:
    return Claim(text, found is not None and found >= bound, _found(found, unit))


def level(result: RunResult, name: str) -> float | None:
    """What was measured for a service level of the run's scenario."""
    return next((each.measured for each in result.levels if each.name == name), None)


def failed_levels(result: RunResult) -> Sequence[LevelRecord]:
    return [each for each in result.levels if not each.held]


def told(claims: Sequence[Claim]) -> int:
    """Print each of them; the exit code of a proof."""
    for claim in claims:
        print(f"{'held  ' if claim.held else 'MISSED'}  {claim.text}: {claim.found}")
    return 0 if all(claim.held for claim in claims) else 1


def _found(found: float | None, unit: str) -> str:
    return "nothing measured" if found is None else f"{found:.6g}{unit}"
