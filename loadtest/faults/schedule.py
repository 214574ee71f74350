"""Faults at the times that a scenario plans."""

from collections.abc import Callable, Sequence

from loadtest.deployment.deployment import Deployment
from loadtest.result import FaultRecord
from loadtest.scenario.scenario import Fault

Clock = Callable[[], float]


async def carry_out_faults(
    faults: Sequence[Fault],
    deployment: Deployment | None,
    run_clock: Clock,
    report: Callable[[FaultRecord], None],
) -> None:
    """Each in its time; returns when the last one is over.

    `run_clock` gives seconds since the run's start. `report` is told of each as it begins, by
    a record without `healed_seconds`; of one that could not be done the detail says so.
    Faults may overlap. Cancelled, it ends commands that it runs and lets paused processes go on.
    """
    raise NotImplementedError


def impossible(faults: Sequence[Fault], deployment: Deployment | None) -> str | None:
    """Why these faults cannot be done, in one line, before a run begins; None where they can."""
    raise NotImplementedError
