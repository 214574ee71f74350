"""Runs of a scenario against a deployment of their own on this machine."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from loadtest.deployment.deployment import Deployment
from loadtest.progress import Display
from loadtest.result import RunResult
from loadtest.run import run
from loadtest.scenario.scenario import Scenario


@asynccontextmanager
async def running(deployment: Deployment) -> AsyncIterator[Deployment]:
    try:
        await deployment.start()
        yield deployment
    finally:
        await deployment.stop()


async def measured(
    scenario: Scenario,
    deployment: Deployment,
    display: Display,
    *,
    workers: int = 1,
    label: str = "",
) -> RunResult:
    load = scenario.load
    display.line(f"--- {label or scenario.name}: {load.sessions} sessions, {load.seconds:g} s")
    return await run(
        scenario,
        deployment.target,
        workers=workers,
        deployment=deployment,
        label=label,
        display=display,
    )
