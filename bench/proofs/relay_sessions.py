"""Ten thousand sessions through one public port, and a relay that is replaced under them.

Two reflectors own the sessions, two worker processes call. The packet rate grows from run to run
until packets are lost: the last that held is what the machine carries.
"""

from dataclasses import dataclass

import msgspec

from bench.proofs.held_seconds import held_seconds, rate, tier_cores
from bench.proofs.local_run import measured
from bench.proofs.part import Claim, Part, at_least, at_most, failed_levels, level
from loadtest.deployment.deployment import running
from loadtest.deployment.local_deployment import LocalDeployment
from loadtest.deployment.local_settings import LocalSettings
from loadtest.measures.names import Count, Latency
from loadtest.progress import Display
from loadtest.result import FaultRecord, RunResult
from loadtest.scenario.reading import read_scenario
from loadtest.scenario.scenario import Fault, FaultAction, Scenario, Talk

LOSS = 0.001
A_CALLER_CORE_DRIVES = 5000
SET_UP_RATE = 1000.0
HEALING_S = 1.0
FULL_RATE = 50.0
"""Packets a second of somebody who speaks, in frames of 20 ms."""
ON_SCHEDULE = 0.99
RUNGS = (9.0, 12.0, 16.0, 21.0, 28.0, 37.0, 50.0)
"""Packets a second of a caller who speaks, from run to run."""
ATTEMPTS = 2
"""At each: a machine that others use has bad moments."""
ON_SCHEDULE_SENT = 0.97
"""Of the first rung's packets per planned one; less were not sent, and do not count as carried."""
SETTLED_S = 10.0
"""From the ramp to the first fault, and from fault to fault."""
FAULTS = (FaultAction.HAND_OVER, FaultAction.KILL, FaultAction.RESTART)


@dataclass(frozen=True, slots=True)
class Size:
    sessions: int = 10_000
    ramp_seconds: float = 8.0
    hold_seconds: float = 10.0
    rungs: tuple[float, ...] = RUNGS


async def relay_sessions(display: Display, size: Size) -> Part:
    settings = LocalSettings(transceiver_workers=0, relay_workers=2, reflectors=2)
    async with running(LocalDeployment(settings)) as deployment:

        async def run(scenario: Scenario, label: str) -> RunResult:
            return await measured(scenario, deployment, display, workers=2, label=label)

        rungs: dict[float, RunResult] = {}
        for per_second in size.rungs:
            for _attempt in range(ATTEMPTS):
                result = await run(_steady(size, per_second), f"relay, {per_second:g} packets/s")
                rungs[per_second] = result
                if _carried(result, per_second, rungs):
                    break
            else:
                break
        best = max((each for each in rungs if _carried(rungs[each], each, rungs)), default=0.0)
        chosen = rungs.get(best, rungs[size.rungs[0]])
        tries: list[RunResult] = []
        while len(tries) < ATTEMPTS and not (tries and all(map(_healed, tries[-1].faults))):
            tries.append(await run(_broken(size, best or size.rungs[0]), "relay, restarted"))
    broken = tries[-1]
    figures = {
        **figures_of(chosen, best),
        "misrouted": sum(each.totals.get(Count.MISROUTED, 0) for each in [*rungs.values(), *tries]),
        **{f"healing_seconds.{each.action}": _healing(each) for each in broken.faults},
        **{
            f"healing_seconds.{each.action}.try_{number}": _healing(each)
            for number, one in enumerate(tries, start=1)
            for each in one.faults
        },
    }
    return Part(figures, [chosen, *tries], _claims(size, figures, chosen, broken))


def _steady(size: Size, per_second: float) -> Scenario:
    shipped = read_scenario("relay-10k")
    load = msgspec.structs.replace(
        shipped.load,
        sessions=size.sessions,
        ramp_seconds=size.ramp_seconds,
        hold_seconds=size.hold_seconds,
    )
    caller = msgspec.structs.replace(shipped.callers[0], talk=Talk(packets_per_second=per_second))
    levels = {
        "sessions": size.sessions,
        "calls_failed": 0,
        "misrouted": 0,
        "frames_lost": LOSS,
        "frames_on_schedule": ON_SCHEDULE,
    }
    return msgspec.structs.replace(
        shipped,
        load=load,
        callers=(caller,),
        faults=(),
        service_levels={**levels, "set_up_rate": size.sessions / size.ramp_seconds * 0.9},
    )


def _broken(size: Size, per_second: float) -> Scenario:
    """The same load, long enough for every fault."""
    scenario = _steady(size, per_second)
    faults = tuple(
        Fault(at_seconds=size.ramp_seconds + SETTLED_S * number, action=action, tier="relay")
        for number, action in enumerate(FAULTS, start=1)
    )
    hold = SETTLED_S * (len(FAULTS) + 1)
    return msgspec.structs.replace(
        scenario,
        load=msgspec.structs.replace(scenario.load, hold_seconds=hold),
        faults=faults,
        service_levels={"misrouted": 0, "faults_healed_ms": 1000 * HEALING_S},
    )


def _carried(result: RunResult, per_second: float, rungs: dict[float, RunResult]) -> bool:
    """Whether everything was sent, and held what it had to."""
    first = min(rungs)
    expected = _sent(rungs[first]) / first * per_second
    return not failed_levels(result) and _sent(result) >= ON_SCHEDULE_SENT * expected


def _sent(result: RunResult) -> float:
    return rate(held_seconds(result), Count.FRAMES_SENT)


def figures_of(result: RunResult, per_second: float) -> dict[str, float | str]:
    seconds = held_seconds(result)
    packets = rate(seconds, Count.FRAMES_SENT, Count.FRAMES_RECEIVED)
    cores = tier_cores(seconds)
    speaking = _sent(result) / (result.peak_sessions * per_second) if per_second else 0.0
    relay_us = 1e6 * cores.get("relay", 0.0) / packets if packets else 0.0
    callers = cores.get("harness", 0.0)
    delay = result.latencies.get(Latency.ONE_WAY_DELAY)
    return {
        "sessions": result.peak_sessions,
        "setup_rate_per_second": round(level(result, "set_up_rate") or 0.0, 1),
        "loss_ratio": level(result, "frames_lost") or 0.0,
        "packets_per_second": round(packets),
        "packets_per_second_of_a_speaker": per_second,
        "speaking_ratio": round(speaking, 3),
        **{f"relay_load.cores.{tier}": round(used, 3) for tier, used in cores.items()},
        "one_way_delay_ms.p50": round(1000 * delay.p50, 3) if delay else "",
        "one_way_delay_ms.p99": round(1000 * delay.p99, 3) if delay else "",
        "relay_us_per_packet": round(relay_us, 2),
        "relay_core.packets_per_second": round(1e6 / relay_us) if relay_us else 0,
        "relay_core.sessions_speaking_by_spurts": _sessions(relay_us, speaking),
        "relay_core.sessions_speaking_on": _sessions(relay_us, 1.0),
        "caller_core.relay_sessions": round(result.peak_sessions / callers) if callers else 0,
    }


def _sessions(relay_us: float, speaking: float) -> int:
    """That a relay core would carry at 50 packets a second each way while they speak."""
    return round(1e6 / relay_us / (2 * FULL_RATE * speaking)) if relay_us and speaking else 0


def _healed(fault: FaultRecord) -> bool:
    """Whether it held what it has to; a restart without a successor has none."""
    healed = fault.healed_seconds
    return fault.action == FaultAction.RESTART or (healed is not None and healed <= HEALING_S)


def _healing(fault: FaultRecord) -> float | str:
    return "not healed" if fault.healed_seconds is None else round(fault.healed_seconds, 3)


def _claims(
    size: Size, figures: dict[str, float | str], chosen: RunResult, broken: RunResult
) -> list[Claim]:
    planned = [fault for fault in broken.faults if fault.action != FaultAction.RESTART]
    return [
        at_least("sessions at once", chosen.peak_sessions, size.sessions),
        at_least("sessions set up a second", level(chosen, "set_up_rate"), SET_UP_RATE),
        at_most("packets lost", level(chosen, "frames_lost"), LOSS),
        at_most("packets misrouted", float(figures["misrouted"]), 0),
        at_least(
            "relay-only callers that a core drives",
            float(figures["caller_core.relay_sessions"]),
            A_CALLER_CORE_DRIVES,
        ),
        *(
            at_most(f"healing after {each.action}", each.healed_seconds, HEALING_S, " s")
            for each in planned
        ),
    ]
