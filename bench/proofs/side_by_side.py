"""The same calls to Antiphon and to stock aiortc."""

from dataclasses import dataclass

import msgspec

from bench.proofs.held_seconds import held_seconds, tier_cores
from bench.proofs.local_run import measured
from bench.proofs.part import Claim, Part, failed_levels, level
from loadtest.deployment.deployment import Deployment, running
from loadtest.deployment.local_deployment import LocalDeployment
from loadtest.deployment.local_settings import LocalSettings
from loadtest.measures.names import Latency
from loadtest.progress import Display
from loadtest.result import RunResult
from loadtest.scenario.reading import read_scenario
from loadtest.scenario.scenario import Scenario
from loadtest.third_party.aiortc_deployment import AiortcDeployment

LATENCIES = (Latency.SET_UP, Latency.FRAME_LATENESS, Latency.VOICE_TO_VOICE)
SHARES = ("calls_failed", "frames_lost", "frames_on_schedule")


@dataclass(frozen=True, slots=True)
class Size:
    sessions: int = 20
    ramp_seconds: float = 4.0
    hold_seconds: float = 15.0


async def side_by_side(display: Display, size: Size) -> Part:
    contenders: dict[str, Deployment] = {
        # Stock aiortc refuses no call however busy it is, and so must this.
        "antiphon": LocalDeployment(LocalSettings(flags={"transceiver": ("--max-load=1",)})),
        "aiortc": AiortcDeployment(),
    }
    figures: dict[str, float | str] = {"side_by_side.sessions": size.sessions}
    runs = []
    for name, contender in contenders.items():
        async with running(contender) as deployment:
            label = f"{name}, {size.sessions} calls"
            result = await measured(_scenario(size), deployment, display, label=label)
        runs.append(result)
        figures |= {f"side_by_side.{name}.{key}": each for key, each in _figures(result).items()}
    return Part(figures, runs, [_claim(runs[0])])


def _scenario(size: Size) -> Scenario:
    scenario = read_scenario("steady")
    load = msgspec.structs.replace(
        scenario.load,
        sessions=size.sessions,
        ramp_seconds=size.ramp_seconds,
        hold_seconds=size.hold_seconds,
    )
    # Of the Realtime API aiortc has the calls, and not the events.
    caller = msgspec.structs.replace(scenario.callers[0], data_channel=False)
    return msgspec.structs.replace(scenario, load=load, callers=(caller,), warm_up_seconds=1.0)


def _figures(result: RunResult) -> dict[str, float | str]:
    figures: dict[str, float | str] = {}
    for latency in LATENCIES:
        if (spread := result.latencies.get(latency)) is not None:
            figures |= {
                f"{latency}_ms.p50": round(1000 * spread.p50, 1),
                f"{latency}_ms.p99": round(1000 * spread.p99, 1),
            }
    for name in SHARES:
        measured_level = level(result, name)
        figures[name] = "" if measured_level is None else round(measured_level, 5)
    cores = tier_cores(held_seconds(result))
    figures["server_cores"] = round(sum(v for k, v in cores.items() if k != "harness"), 3)
    figures["failed_levels"] = ", ".join(each.name for each in failed_levels(result))
    return figures


def _claim(antiphon: RunResult) -> Claim:
    failed = ", ".join(each.name for each in failed_levels(antiphon)) or "none failed"
    return Claim("Antiphon's service levels beside aiortc", antiphon.passed, failed)
