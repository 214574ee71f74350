"""A run of a few seconds, by workers whose calls are scripted."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from loadtest.glimpse import Glimpse
from loadtest.scenario.scenario import Fault, Load, Scenario

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "tests.loadtest.scripted_worker")


class Shown:
    """A `Display`."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.glimpses: list[Glimpse] = []

    def line(self, text: str) -> None:
        self.lines.append(text)

    def glimpse(self, glimpse: Glimpse) -> None:
        self.glimpses.append(glimpse)


def scenario(
    sessions: int = 8,
    *,
    seconds: float = 2.0,
    levels: Mapping[str, float] | None = None,
    faults: Sequence[Fault] = (),
) -> Scenario:
    load = Load(sessions=sessions, ramp_seconds=0.5, hold_seconds=seconds - 0.5)
    return Scenario(
        name="small", load=load, service_levels=levels or {}, faults=tuple(faults), seed=7
    )
