"""Half an hour of calls that come and go, at half of the largest load: does anything drift?

`make loadtest-soak`. Takes that load from `bench/out/loadtest_10k.json`, where `make loadtest-10k`
left it, or from `--sessions`. Writes `docs/loadtest-soak.html`, its JSON twin and
`bench/out/loadtest_soak.json`; ends with 1 where something drifted or a service level did not hold.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bench.figures import OUT, publish
from bench.machine import machine
from bench.proofs.growths import growths
from bench.proofs.held_seconds import held_seconds, tier_cores
from bench.proofs.largest_load import DEPLOYMENT
from bench.proofs.local_run import measured
from bench.proofs.part import Claim, failed_levels, told
from loadtest import result_file
from loadtest.deployment.deployment import DeploymentError, running
from loadtest.deployment.local_deployment import LocalDeployment
from loadtest.measures.names import Count, Latency
from loadtest.progress import progress_display
from loadtest.report.html_report import render
from loadtest.result import RunResult
from loadtest.run import RunError
from loadtest.scenario.reading import read_scenario
from loadtest.scenario.scenario import Scenario

DOCS = Path(__file__).parents[1] / "docs"
SETTLING_SHARE = 0.1
LATENCIES = (Latency.SET_UP, Latency.VOICE_TO_VOICE, Latency.FRAME_LATENESS)


def scenario_of(sessions: int, minutes: float) -> Scenario:
    shipped = read_scenario("soak")
    load = msgspec.structs.replace(shipped.load, sessions=sessions, hold_seconds=60 * minutes)
    return msgspec.structs.replace(shipped, load=load)


def half_of_largest(figures: Path) -> int:
    """Raises SystemExit where nobody found it."""
    try:
        return max(1, int(json.loads(figures.read_text())["largest.sessions"]) // 2)
    except (OSError, ValueError, KeyError):
        raise SystemExit(f"{figures}: no largest load; make loadtest-10k, or --sessions") from None


async def soaked(scenario: Scenario) -> RunResult:
    with progress_display() as display:
        async with running(LocalDeployment(DEPLOYMENT)) as deployment:
            return await measured(scenario, deployment, display, label="soak")


def figures_of(result: RunResult) -> dict[str, float | str]:
    figures: dict[str, float | str] = {
        "minutes": round(result.seconds / 60, 1),
        "sessions": result.peak_sessions,
        "calls.set_up": result.totals.get(Count.CALLS_SET_UP, 0),
        "calls.failed": result.totals.get(Count.CALLS_FAILED, 0),
    }
    for latency in LATENCIES:
        if (spread := result.latencies.get(latency)) is not None:
            figures[f"{latency}_ms.p50"] = round(1000 * spread.p50, 1)
            figures[f"{latency}_ms.p99"] = round(1000 * spread.p99, 1)
    cores = tier_cores(held_seconds(result))
    return figures | {f"cores.{tier}": round(used, 3) for tier, used in cores.items()}


def claims_of(result: RunResult) -> list[Claim]:
    failed = ", ".join(each.name for each in failed_levels(result)) or "none failed"
    return [
        Claim("every service level", result.passed, failed),
        *growths(result, SETTLING_SHARE * result.seconds),
    ]


def noted(result: RunResult, claims: Sequence[Claim]) -> RunResult:
    """With what was found of each claim, for the report; in place of what was found before."""
    about = tuple(f"{claim.text}: " for claim in claims)
    kept = [note for note in result.notes if not note.startswith(about)]
    found = [f"{claim.text}: {claim.found}" for claim in claims]
    return msgspec.structs.replace(result, notes=[*kept, *found])


def write_report(result: RunResult, directory: Path) -> None:
    (directory / "loadtest-soak.html").write_text(render([result]))
    result_file.write(directory / "loadtest-soak.json", result)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--judge", type=Path, help="the JSON of a run that is there, once more")
    parser.add_argument("--sessions", type=int, help="calls at once")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--to", type=Path, default=DOCS, help="directory of the report")
    arguments = parser.parse_args()
    try:
        result = _result(arguments)
    except (DeploymentError, RunError) as error:
        print(f"loadtest-soak: {error}", file=sys.stderr)
        return 2
    claims = claims_of(result)
    write_report(noted(result, claims), arguments.to)
    grown = {claim.figure: round(claim.value, 5) for claim in claims if claim.figure}
    publish("loadtest_soak", {**machine(), **figures_of(result), **grown})
    print()
    return told(claims)


def _result(arguments: argparse.Namespace) -> RunResult:
    if arguments.judge is not None:
        return result_file.read(arguments.judge)
    sessions = arguments.sessions or half_of_largest(OUT / "loadtest_10k.json")
    return asyncio.run(soaked(scenario_of(sessions, arguments.minutes)))


if __name__ == "__main__":
    sys.exit(main())
