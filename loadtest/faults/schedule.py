"""Faults at the times that a scenario plans."""

import asyncio
from collections.abc import Callable, Sequence

from loadtest.deployment.deployment import Deployment, DeploymentError
from loadtest.faults.operator_command import run_command
from loadtest.result import FaultRecord
from loadtest.scenario.scenario import Fault, FaultAction

Clock = Callable[[], float]


async def carry_out_faults(
    faults: Sequence[Fault],
    deployment: Deployment | None,
    run_clock: Clock,
    report: Callable[[FaultRecord], None],
) -> None:
    """Each in its time; returns when the last one is over.

    `run_clock` gives seconds since the run's start. `report` is told of each when it is over, by
    a record with the time at which it began and without `healed_seconds`; of one that could not
    be done, or was not over when this was cancelled, the detail says so. Faults may overlap.
    Cancelled, it ends commands that it runs and lets paused processes go on.
    """
    async with asyncio.TaskGroup() as together:
        for fault in faults:
            together.create_task(_carry_out(fault, deployment, run_clock, report))


def impossible(faults: Sequence[Fault], deployment: Deployment | None) -> str | None:
    """Why these faults cannot be done, in one line, before a run begins; None where they can."""
    for number, fault in enumerate(faults):
        is_command = fault.action is FaultAction.COMMAND
        if is_command and not fault.command:
            return f"faults[{number}].command: is needed by the action command"
        if not is_command and deployment is None:
            return (
                f"faults[{number}].action: {fault.action} needs a deployment that the harness "
                "runs itself (--local); elsewhere use command"
            )
    return None


async def _carry_out(
    fault: Fault,
    deployment: Deployment | None,
    run_clock: Clock,
    report: Callable[[FaultRecord], None],
) -> None:
    await asyncio.sleep(fault.at_seconds - run_clock())
    began = run_clock()
    try:
        detail = await _done(fault, deployment)
    except DeploymentError as error:
        report(_record(fault, f"not done: {error}", began, run_clock(), done=False))
        return
    except asyncio.CancelledError:
        report(_record(fault, "was not over when the run ended", began, run_clock()))
        raise
    report(_record(fault, detail, began, run_clock()))


def _record(
    fault: Fault, detail: str, began: float, ended: float, *, done: bool = True
) -> FaultRecord:
    return FaultRecord(
        second=began,
        action=fault.action,
        tier=fault.tier,
        detail=detail,
        done=done,
        lasted_seconds=ended - began,
    )


async def _done(fault: Fault, deployment: Deployment | None) -> str:
    if fault.action is FaultAction.COMMAND:
        return await run_command(fault.command)
    if deployment is None:
        raise DeploymentError("there is no deployment of the harness's own")
    return await deployment.carry_out(fault)
