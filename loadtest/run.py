"""Carries one scenario out against one target, from its first call to its result."""

import asyncio

from loadtest.callers.fleet import Target
from loadtest.deployment.deployment import Deployment
from loadtest.progress import Display
from loadtest.result import RunResult
from loadtest.scenario.scenario import Scenario


class RunError(Exception):
    """Nothing could be measured; the text says why."""


async def run(
    scenario: Scenario,
    target: Target,
    *,
    workers: int = 1,
    deployment: Deployment | None = None,
    label: str = "",
    display: Display | None = None,
    stop: asyncio.Event | None = None,
) -> RunResult:
    """Place all calls by so many worker processes of this machine, and gather what they measured.

    `deployment` is running, and is left so. Set `stop` to end the run before its time, with what
    was measured until then. The levels of the result are those of the scenario, judged.

    Raises RunError where no worker could begin.
    """
    raise NotImplementedError
