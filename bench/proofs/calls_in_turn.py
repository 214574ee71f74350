"""Ten thousand calls, set up and torn down in turn, a hundred of them at once."""

from dataclasses import dataclass

import msgspec

from bench.proofs.growths import MEMORY_GROWTH, memory_line
from bench.proofs.held_seconds import held_seconds, tier_cores
from bench.proofs.local_run import measured
from bench.proofs.part import Claim, Part, at_least, at_most
from loadtest.deployment.deployment import running
from loadtest.deployment.local_deployment import LocalDeployment
from loadtest.deployment.local_settings import LocalSettings
from loadtest.measures.names import Count, Latency
from loadtest.progress import Display
from loadtest.result import RunResult
from loadtest.scenario.reading import read_scenario

SETTLING_SHARE = 0.3
"""Of the run, after which memory is looked at."""
SET_UP = (Latency.SET_UP, Latency.SET_UP_SIGNALING, Latency.SET_UP_ICE, Latency.SET_UP_DTLS)


@dataclass(frozen=True, slots=True)
class Size:
    calls: int = 10_000
    sessions: int = 103
    """At once; some of them are in their set-up."""
    at_once: int = 100
    per_second: float = 21.0
    ramp_seconds: float = 5.0


async def calls_in_turn(display: Display, size: Size) -> Part:
    scenario = read_scenario("calls-10k")
    call_seconds = size.sessions / size.per_second
    load = msgspec.structs.replace(
        scenario.load,
        sessions=size.sessions,
        ramp_seconds=size.ramp_seconds,
        # Those of the ramp are calls too; a few more than asked for are no harm.
        hold_seconds=size.calls / size.per_second + call_seconds,
        call_seconds=call_seconds,
    )
    scenario = msgspec.structs.replace(
        scenario, load=load, service_levels={**scenario.service_levels, "sessions": size.at_once}
    )
    # However many are wanted are let in, and voices are coded as under load from the first one on.
    flags = ("--max-load=1", "--opus=celt")
    settings = LocalSettings(transceiver_workers=2, flags={"transceiver": flags})
    async with running(LocalDeployment(settings)) as deployment:
        result = await measured(scenario, deployment, display, label="calls in turn")
    growth = memory_growth(result)
    return Part(_figures(result, growth), [result], _claims(size, result, growth))


def memory_growth(result: RunResult) -> dict[str, float]:
    """Of each tier, as a share, by a line through the seconds after it settled."""
    seconds = held_seconds(result)
    seconds = seconds[int(SETTLING_SHARE * len(seconds)) :]
    tiers = sorted({tier for each in seconds for tier in each.tiers_memory})
    lines = {tier: memory_line(seconds, tier) for tier in tiers}
    return {tier: line.ratio for tier, line in lines.items() if line is not None}


def _figures(result: RunResult, growth: dict[str, float]) -> dict[str, float | str]:
    totals = result.totals
    figures: dict[str, float | str] = {
        "calls.started": totals.get(Count.CALLS_STARTED, 0),
        "calls.set_up": totals.get(Count.CALLS_SET_UP, 0),
        "calls.failed": totals.get(Count.CALLS_FAILED, 0),
        "calls.at_once": result.peak_sessions,
    }
    for latency in SET_UP:
        if (spread := result.latencies.get(latency)) is not None:
            figures |= {
                f"calls.{latency}_ms.p50": round(1000 * spread.p50, 1),
                f"calls.{latency}_ms.p95": round(1000 * spread.p95, 1),
                f"calls.{latency}_ms.p99": round(1000 * spread.p99, 1),
            }
    figures |= {f"calls.memory_growth.{tier}": round(each, 4) for tier, each in growth.items()}
    cores = tier_cores(held_seconds(result))
    return figures | {f"calls.cores.{tier}": round(used, 3) for tier, used in cores.items()}


def _claims(size: Size, result: RunResult, growth: dict[str, float]) -> list[Claim]:
    totals = result.totals
    return [
        at_least("calls set up", totals.get(Count.CALLS_SET_UP), size.calls),
        at_most("calls failed", totals.get(Count.CALLS_FAILED, 0), 0),
        at_least("calls at once", result.peak_sessions, size.at_once),
        at_most("growth of a tier's memory", max(growth.values(), default=None), MEMORY_GROWTH),
    ]
