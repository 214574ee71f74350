"""`antiphon-loadtest run`: carries a scenario out by processes of this machine."""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from chassis.settings import positive, setting
from loadtest.caller_addresses import parse_addresses
from loadtest.callers.fleet import Target
from loadtest.deployment.deployment import DeploymentError
from loadtest.deployment.local_settings import LocalSettings
from loadtest.local_flags import KNOWN, deployed, parse_local
from loadtest.progress import Display
from loadtest.reported_run import ReportFiles, carry_out, report
from loadtest.result import RunResult
from loadtest.run import RunError
from loadtest.run import run as run_scenario
from loadtest.scenario.scenario import Scenario
from loadtest.scenario_argument import scenario_and_settings
from loadtest.target_settings import TargetSettings, check_target

PROG = "antiphon-loadtest run"


@dataclass(frozen=True, kw_only=True)
class Settings(TargetSettings):
    """SCENARIO first: a file, or a name that `antiphon-loadtest scenarios` lists."""

    local: LocalSettings | None = setting(
        None,
        help=f"start a deployment on this machine and test that; of {KNOWN}, as NAME=VALUE,...",
        parse=parse_local,
        bare="",
    )
    workers: int = setting(
        len(os.sched_getaffinity(0)), help="processes that place the calls", parse=positive
    )
    addresses: tuple[str, ...] = setting(
        (),
        help="addresses of this machine to call from: IP,IP-IP",
        parse=parse_addresses,
    )
    label: str | None = setting(
        None, help="what was tested, for reports on several runs", parse=str
    )
    out: Path = setting(Path("loadtest-results"), help="directory of the report", parse=Path)


def run(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Returns 0 when all service levels held, 1 when not, 2 when nothing could be measured."""
    scenario, settings = scenario_and_settings(Settings, argv, environ, prog=PROG)
    target = settings.as_target()
    if settings.local is None:
        check_target(target, scenario)
    files = ReportFiles(settings.out, scenario.name)
    try:
        files.prepare()
        result = carry_out(lambda *how: _run(scenario, target, settings, *how))
        return report(result, files)
    except (RunError, DeploymentError, OSError) as error:
        print(f"{PROG}: {error}", file=sys.stderr)
        return 2


async def _run(
    scenario: Scenario, target: Target, settings: Settings, display: Display, stop: asyncio.Event
) -> RunResult:
    if settings.local is not None:
        display.line("Starting a deployment on this machine")
    async with deployed(settings.local, scenario) as deployment:
        return await run_scenario(
            scenario,
            target if deployment is None else deployment.target,
            workers=settings.workers,
            deployment=deployment,
            label=settings.label or "",
            display=display,
            stop=stop,
            addresses=settings.addresses,
        )
