"""When each call of a run comes, how long it lasts, and the seed of all that is random in it."""

from collections.abc import Iterator
from dataclasses import dataclass

from loadtest.scenario.scenario import Scenario


@dataclass(frozen=True, slots=True)
class CallPlan:
    """One call."""

    number: int
    """From 0, in the order of `start_s`."""
    profile: int
    """Index into the scenario's callers."""
    start_s: float
    """After the run's start."""
    length_s: float
    """From its start to its hang-up, set-up included."""
    seed: int
    """Of everything random that the caller does."""


def plan_calls(scenario: Scenario, *, worker: int = 0, workers: int = 1) -> Iterator[CallPlan]:
    """The calls of one worker of so many, in the order of their start.

    The same scenario gives the same calls, however many workers share them.
    """
    raise NotImplementedError
