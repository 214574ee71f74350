"""A run of a scenario against a deployment on this machine."""

from loadtest.deployment.deployment import Deployment
from loadtest.progress import Display
from loadtest.result import RunResult
from loadtest.run import run
from loadtest.scenario.scenario import Scenario


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
