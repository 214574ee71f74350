"""`antiphon-loadtest capacity`: how much fits, searched for, and predicted by a model."""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from rich.console import Console

from chassis.settings import positive, setting
from loadtest import result_file
from loadtest.capacity import cost_model_commands
from loadtest.capacity.capacity_page import render
from loadtest.capacity.capacity_result import CapacityResult, Step
from loadtest.capacity.finding import CapacitySearchError, Cores, find_capacity
from loadtest.capacity.search import Bounds
from loadtest.capacity.tables import share_table, step_line, summary
from loadtest.deployment.deployment import DeploymentError
from loadtest.deployment.local_settings import LocalSettings
from loadtest.local_flags import KNOWN, deployed, parse_local
from loadtest.machine import describe
from loadtest.progress import Display, progress_display
from loadtest.result import RunResult
from loadtest.run import RunError
from loadtest.run import run as run_scenario
from loadtest.scenario.scenario import Scenario
from loadtest.scenario_argument import scenario_and_settings
from loadtest.target_settings import TargetSettings, check_target

PROG = "antiphon-loadtest capacity"
USAGE = f"""\
usage: {PROG} SCENARIO [--help]               search for the largest load that holds
       {PROG} --fit RUN.json ... --to FILE    make a model of what calls cost
       {PROG} --check RUN.json ...            hold a model to runs that it has not seen
       {PROG} --predict SESSIONS              pods for so many, by a model"""


def _above_one(text: str) -> float:
    number = float(text)
    if not 1.0 < number <= 100.0:
        raise ValueError(f"must be above 1 and at most 100, not {text}")
    return number


def _resolution(text: str) -> float:
    number = float(text)
    if not 0.0 <= number <= 1.0:
        raise ValueError(f"must be from 0 to 1, not {text}")
    return number


@dataclass(frozen=True, kw_only=True)
class Settings(TargetSettings):
    """SCENARIO first: a file, or a name that `antiphon-loadtest scenarios` lists."""

    local: LocalSettings | None = setting(
        None,
        help="start a deployment on this machine for each step and test that; of "
        f"{KNOWN}, as NAME=VALUE,...",
        parse=parse_local,
        bare="",
    )
    workers: int = setting(
        len(os.sched_getaffinity(0)), help="processes that place the calls", parse=positive
    )
    start: int = setting(10, help="sessions of the first step", parse=positive)
    growth: float = setting(
        2.0, help="of the load from step to step, until one fails", parse=_above_one
    )
    resolution: float = setting(
        0.05, help="how near to the largest load is near enough, as its share", parse=_resolution
    )
    most: int = setting(10_000, help="sessions that are tried at the most", parse=positive)
    out: Path = setting(Path("loadtest-results"), help="directory of the report", parse=Path)


def run(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Returns 0 when there was an answer, 1 when no load held, 2 when nothing could be measured."""
    if not argv or argv[0] in ("-h", "--help"):
        print(USAGE)
        return 0 if argv else 2
    if argv[0] in cost_model_commands.COMMANDS:
        return cost_model_commands.COMMANDS[argv[0]](argv[1:], environ)
    scenario, settings = scenario_and_settings(Settings, argv, environ, prog=PROG)
    if settings.local is None:
        check_target(settings.as_target(), scenario)
    try:
        found = asyncio.run(_search(scenario, settings))
        return _report(found, settings.out)
    except (CapacitySearchError, RunError, DeploymentError, OSError) as error:
        print(f"{PROG}: {error}", file=sys.stderr)
        return 2


async def _search(scenario: Scenario, settings: Settings) -> CapacityResult:
    settings.out.mkdir(parents=True, exist_ok=True)
    with progress_display() as display:

        def told(step: Step, result: RunResult) -> None:
            display.line(step_line(step))
            again = "-again" if step.repeat else ""
            name = f"{scenario.name}-{step.sessions}{again}.json"
            result_file.write(settings.out / name, result)

        async def run_at(load: Scenario) -> RunResult:
            return await _run(load, settings, display)

        bounds = Bounds(settings.start, settings.growth, settings.resolution, settings.most)
        return await find_capacity(
            scenario, run_at, bounds=bounds, cores=_cores(settings), told=told
        )


async def _run(scenario: Scenario, settings: Settings, display: Display) -> RunResult:
    # A fresh one: what one step left must not weigh on the next.
    async with deployed(settings.local, scenario) as deployment:
        return await run_scenario(
            scenario,
            settings.as_target() if deployment is None else deployment.target,
            workers=settings.workers,
            deployment=deployment,
            label=f"{scenario.load.sessions} sessions",
            display=display,
        )


def _cores(settings: Settings) -> Cores:
    local, workers = settings.local, float(settings.workers)
    if local is None:
        return Cores(workers=workers)
    tiers = {
        "relay": float(local.relay_workers),
        "transceiver": float(local.transceiver_workers),
        "inference": float(local.inference_replicas),
    }
    return Cores(tiers, workers, float(describe()["cores"]))


def _report(found: CapacityResult, out: Path) -> int:
    """Written down, and shown. Raises OSError."""
    name = f"capacity-{found.scenario}"
    encoded = msgspec.json.format(msgspec.json.encode(found), indent=1)
    (out / f"{name}.json").write_bytes(encoded + b"\n")
    (out / f"{name}.html").write_text(render(found))
    console = Console()
    console.print(summary(found))
    if found.tiers:
        console.print(share_table(found))
    print(f"{out / name}.html\n{out / name}.json")
    return int(not found.largest)
