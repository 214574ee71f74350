"""The largest number of concurrent calls that hold every service level, and whose CPU they take."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from bench.proofs.local_run import measured
from bench.proofs.part import Claim, Part, at_least
from loadtest.capacity.capacity_result import CapacityResult, Step
from loadtest.capacity.finding import Cores, find_capacity
from loadtest.capacity.search import Bounds
from loadtest.deployment.deployment import running
from loadtest.deployment.local_deployment import LocalDeployment
from loadtest.deployment.local_settings import LocalSettings
from loadtest.progress import Display
from loadtest.result import RunResult
from loadtest.scenario.reading import read_scenario
from loadtest.scenario.scenario import Scenario

DEPLOYMENT = LocalSettings(
    transceiver_workers=2, flags={"transceiver": ("--max-load=1", "--opus=celt")}
)
"""A transceiver worker for each core, the cheaper code from the first call on, and none that
refuses calls before they suffer."""

A_CALLER_CORE_DRIVES = 300


@dataclass(frozen=True, slots=True)
class Size:
    bounds: Bounds = field(
        default_factory=lambda: Bounds(start=50, growth=1.5, resolution=0.1, most=1000)
    )
    ramp_seconds: float = 4.0
    hold_seconds: float = 12.0


async def largest_load(display: Display, size: Size) -> Part:
    """Each load is a run of its own, against a deployment that stays up."""
    held: list[RunResult] = []

    def told(step: Step, result: RunResult) -> None:
        verdict = "held" if step.held else f"failed {', '.join(each.name for each in step.failed)}"
        display.line(f"{step.sessions} calls at once: {verdict}")
        if step.held:
            held.append(result)

    async with running(LocalDeployment(DEPLOYMENT)) as deployment:

        async def run(scenario: Scenario) -> RunResult:
            label = f"{scenario.load.sessions} calls at once"
            return await measured(scenario, deployment, display, label=label)

        found = await find_capacity(
            scenario_of(size),
            run,
            bounds=size.bounds,
            cores=Cores(machine=float(os.cpu_count() or 1)),
            told=told,
        )
    best = [result for result in held if result.peak_sessions >= found.largest][-1:]
    figures = _figures(found)
    return Part(figures, best, _claims(found, figures))


def scenario_of(size: Size) -> Scenario:
    scenario = read_scenario("capacity")
    load = msgspec.structs.replace(
        scenario.load, ramp_seconds=size.ramp_seconds, hold_seconds=size.hold_seconds
    )
    return msgspec.structs.replace(scenario, load=load, warm_up_seconds=1.0)


def _figures(found: CapacityResult) -> dict[str, float | str]:
    best = next((step for step in reversed(found.steps) if step.held), None)
    figures: dict[str, float | str] = {
        "largest.sessions": found.largest,
        "largest.failing_sessions": found.failing or "",
        "largest.broke_first": found.broke_first,
        "largest.limit": found.limit,
        "largest.limit_says": found.limit_says,
        "largest.runs": len(found.steps),
    }
    if best is not None:
        used = {**best.tiers_cpu, "harness": best.workers_cpu}
        figures |= {f"largest.cores.{tier}": round(cores, 3) for tier, cores in used.items()}
        if best.workers_cpu:
            figures["caller_core.calls"] = round(found.largest / best.workers_cpu)
    return figures


def _claims(found: CapacityResult, figures: Mapping[str, float | str]) -> list[Claim]:
    a_core = figures.get("caller_core.calls")
    return [
        Claim("a load that holds every service level", found.largest > 0, f"{found.largest}"),
        at_least(
            "WebRTC callers that a core drives",
            None if a_core is None else float(a_core),
            A_CALLER_CORE_DRIVES,
        ),
    ]
