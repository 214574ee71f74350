"""`python -m bench.fitted_costs`: what calls cost each tier of this machine, fitted to runs on it.

Seventeen minutes. Writes `loadtest/capacity/measured_model.json`, which `antiphon-loadtest`
ships, and to docs/capacity.md how well it predicts a run that it was not fitted to. The runs are
kept in `bench/out/fitted_costs`; `--again` fits to those that are there.
"""

import argparse
import asyncio
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TypeVar

from msgspec.structs import replace

from bench.figures import OUT
from bench.proofs.local_run import measured
from bench.report import CAPACITY, between
from bench.tables import Table, as_markdown
from loadtest import result_file
from loadtest.capacity.cost_model import CostModel, write
from loadtest.capacity.cost_model_commands import SHIPPED
from loadtest.capacity.demand import SILENT, SPEAKING, of_kind
from loadtest.capacity.fitting import fit
from loadtest.capacity.tables import check_row
from loadtest.capacity.validation import TierCheck, check
from loadtest.deployment.local_settings import LocalSettings
from loadtest.local_flags import deployed
from loadtest.progress import Display, progress_display
from loadtest.result import RunResult
from loadtest.scenario.reading import read_scenario
from loadtest.scenario.scenario import Kind, Length, Network, Scenario
from loadtest.tiers import TIERS

MADE_BY = "python -m bench.fitted_costs"
RUNS = OUT / "fitted_costs"
RAMP_S, HOLD_S = 5.0, 40.0
ValueT = TypeVar("ValueT")


@dataclass(frozen=True, slots=True)
class Run:
    """A shipped scenario, changed in what tells its costs from others'."""

    label: str
    scenario: str
    sessions: int
    kind: Kind | None = None
    """Of all callers, in place of the scenario's."""
    call_seconds: float | None = None
    pause_seconds: float | None = None
    clean: bool = False
    """On networks that lose and delay nothing."""
    tiers: frozenset[str] = frozenset(TIERS)
    """Whose costs it tells: an engine of echoes is none."""

    def changed(self) -> Scenario:
        scenario = read_scenario(self.scenario)
        load = replace(
            scenario.load, sessions=self.sessions, ramp_seconds=RAMP_S, hold_seconds=HOLD_S
        )
        if self.call_seconds is not None:
            load = replace(load, call_seconds=self.call_seconds, length=Length.EXPONENTIAL)
        callers = scenario.callers
        if self.kind is not None:
            callers = tuple(replace(each, kind=self.kind) for each in callers)
        if self.pause_seconds is not None:
            callers = tuple(
                replace(each, talk=replace(each.talk, pause_seconds=self.pause_seconds))
                for each in callers
            )
        if self.clean:
            callers = tuple(replace(each, network=Network(), red=False) for each in callers)
        return replace(scenario, load=load, callers=callers, faults=(), service_levels={})


BEFORE_RELAYS = frozenset({"transceiver", "inference"})
"""A relay with some calls wakes up for each packet, which is no measure of one with thousands."""
ECHOED = frozenset({"transceiver"})
BEHIND_RELAY = frozenset({"relay"})
FITTED = (
    Run("four ask", "turns", 4, tiers=BEFORE_RELAYS),
    Run("ten ask", "turns", 10, tiers=BEFORE_RELAYS),
    Run("ten ask seldom", "turns", 10, pause_seconds=8.0, tiers=BEFORE_RELAYS),
    Run("short calls ask", "turns", 8, call_seconds=8.0, tiers=BEFORE_RELAYS),
    Run("WebSockets ask", "turns", 8, Kind.WEBSOCKET),
    Run("WebSockets ask seldom", "turns", 8, Kind.WEBSOCKET, call_seconds=8.0, pause_seconds=8.0),
    Run("many WebSockets ask very seldom", "turns", 18, Kind.WEBSOCKET, pause_seconds=20.0),
    Run("one WebSocket asks very seldom", "turns", 1, Kind.WEBSOCKET, pause_seconds=20.0),
    Run("phones ask", "turns", 6, Kind.SIP, tiers=BEFORE_RELAYS),
    Run(
        "phones ask seldom",
        "turns",
        6,
        Kind.SIP,
        call_seconds=8.0,
        pause_seconds=8.0,
        tiers=BEFORE_RELAYS,
    ),
    Run("twenty speak without a pause", "steady", 20, tiers=ECHOED),
    Run("forty talk", "talk", 40, tiers=ECHOED),
    Run("twenty phones talk", "talk", 20, Kind.SIP, tiers=ECHOED),
    Run("calls come and go", "churn", 20, call_seconds=6.0, tiers=ECHOED),
    Run("1,000 behind a relay", "relay-10k", 1000, tiers=BEHIND_RELAY),
    Run("3,000 behind a relay", "relay-10k", 3000, tiers=BEHIND_RELAY),
    Run("8,000 behind a relay", "relay-10k", 8000, tiers=BEHIND_RELAY),
)
UNSEEN = (
    Run("all kinds ask", "mixed", 10, clean=True, tiers=BEFORE_RELAYS),
    Run("all kinds ask, some on bad networks", "mixed", 10),
    Run("5,000 behind a relay", "relay-10k", 5000, tiers=BEHIND_RELAY),
)


def of_tiers_that_count(run: Run, result: RunResult) -> RunResult:
    """Without the CPU and memory of tiers that it does not tell the costs of."""
    return replace(
        result,
        series=[
            replace(
                second,
                tiers_cpu=_only(run.tiers, second.tiers_cpu),
                tiers_memory=_only(run.tiers, second.tiers_memory),
            )
            for second in result.series
        ],
    )


def _only(tiers: frozenset[str], by_tier: dict[str, ValueT]) -> dict[str, ValueT]:
    return {tier: value for tier, value in by_tier.items() if tier in tiers}


async def carried_out(run: Run, display: Display) -> None:
    """Kept as the file of its label."""
    scenario = run.changed()
    async with deployed(LocalSettings(), scenario) as deployment:
        assert deployment is not None
        result = await measured(scenario, deployment, display, label=run.label)
    result_file.write(_file(run), result)


def kept(run: Run) -> RunResult:
    """Raises ResultFileError."""
    return of_tiers_that_count(run, result_file.read(_file(run)))


def _file(run: Run) -> Path:
    return RUNS / f"{run.label.replace(' ', '_')}.json"


def untold(model: CostModel) -> list[str]:
    """Kinds of sessions that would cost a tier nothing: the runs do not tell what they cost."""
    return [
        f"{kind} on {tier}"
        for tier in ("transceiver", "inference")
        for kind in (Kind.WEBRTC, Kind.WEBSOCKET, Kind.SIP)
        if not any(
            model.tiers[tier].cpu_seconds.get(of_kind(kind, unit)) for unit in (SPEAKING, SILENT)
        )
    ]


def section(model: CostModel, checks: Iterable[TierCheck]) -> str:
    """Of docs/capacity.md."""
    runs = ", ".join(source.label for source in model.sources)
    machine = ", ".join(f"{name} {value}" for name, value in model.machine.items())
    text = (
        f"The model that is shipped was fitted by `{MADE_BY}` to {len(model.sources)} runs "
        f"({runs}) on one machine ({machine}). Runs that it has not seen it predicts so:"
    )
    beyond = (
        "Losses, and the redundancy against them, are no unit of it; nor is that a relay with a "
        "few calls wakes up for each packet, where one with thousands finds several at once."
    )
    table = as_markdown(_table(checks))
    return "\n".join([textwrap.fill(text, 100), "", *table, "", textwrap.fill(beyond, 100)])


def _table(checks: Iterable[TierCheck]) -> Table:
    head = ["run", "tier", "predicted cores", "measured cores", "error"]
    return [head, *([each.run, *check_row(each)] for each in checks)]


async def _carry_out_all() -> None:
    with progress_display() as display:
        for run in (*FITTED, *UNSEEN):
            await carried_out(run, display)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--again", action="store_true", help="fit to the runs that are there")
    if not parser.parse_args().again:
        asyncio.run(_carry_out_all())
    model = fit([kept(run) for run in FITTED], made_by=MADE_BY)
    if free := untold(model):
        raise SystemExit(f"not written: by these runs sessions cost nothing: {', '.join(free)}")
    write(model, SHIPPED)
    text = section(model, chain.from_iterable(check(model, kept(run)) for run in UNSEEN))
    CAPACITY.write_text(between(CAPACITY.read_text(), "cost-model", text))
    print(text)


if __name__ == "__main__":
    main()
