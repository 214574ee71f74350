"""`python -m bench.fitted_costs`: what calls cost each tier of this machine, fitted to runs on it.

A quarter of an hour. Writes `loadtest/capacity/measured_model.json`, which `antiphon-loadtest`
ships, in the place of what `python -m bench.cost_model` worked out of benchmarks, and to
docs/capacity.md how well it predicts a run that it was not fitted to.
"""

import asyncio
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from msgspec.structs import replace

from bench.proofs.local_run import measured
from bench.report import CAPACITY, between
from bench.tables import Table, as_markdown
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
from loadtest.scenario.scenario import Kind, Length, Scenario
from loadtest.tiers import TIERS

MADE_BY = "python -m bench.fitted_costs"
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
    tiers: frozenset[str] = frozenset(TIERS)
    """Whose costs it tells: an engine of echoes is none, and relays are cheaper by the packet when
    there are many."""

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
        return replace(scenario, load=load, callers=callers, faults=(), service_levels={})


FITTED = (
    Run("four ask", "turns", 4),
    Run("ten ask", "turns", 10),
    Run("ten ask seldom", "turns", 10, pause_seconds=8.0),
    Run("short calls ask", "turns", 8, call_seconds=8.0),
    Run("WebSockets ask", "turns", 8, Kind.WEBSOCKET),
    Run("WebSockets ask seldom", "turns", 8, Kind.WEBSOCKET, call_seconds=8.0, pause_seconds=8.0),
    Run("many WebSockets ask very seldom", "turns", 18, Kind.WEBSOCKET, pause_seconds=20.0),
    Run("phones ask", "turns", 6, Kind.SIP),
    Run("phones ask seldom", "turns", 6, Kind.SIP, call_seconds=8.0, pause_seconds=8.0),
    Run("twenty speak without a pause", "steady", 20, tiers=frozenset({"transceiver"})),
    Run("forty talk", "talk", 40, tiers=frozenset({"transceiver"})),
    Run("twenty phones talk", "talk", 20, Kind.SIP, tiers=frozenset({"transceiver"})),
    Run("1,000 behind a relay", "relay-10k", 1000, tiers=frozenset({"relay"})),
    Run("3,000 behind a relay", "relay-10k", 3000, tiers=frozenset({"relay"})),
)
UNSEEN = Run("unseen: all kinds ask", "mixed", 10)


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


async def carried_out(run: Run, display: Display) -> RunResult:
    scenario = run.changed()
    async with deployed(LocalSettings(), scenario) as deployment:
        assert deployment is not None
        result = await measured(scenario, deployment, display, label=run.label)
    return of_tiers_that_count(run, result)


def untold(model: CostModel) -> list[str]:
    """Kinds of sessions that would cost a tier nothing: the runs do not tell what they cost."""
    return [
        f"{kind} on {tier}"
        for tier in ("transceiver", "inference")
        for kind in Kind
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
        f"({runs}) on one machine ({machine}). A run that it has not seen, browsers, WebSockets "
        "and phones at once, some on bad networks, it predicts so:"
    )
    return "\n".join([textwrap.fill(text, 100), "", *as_markdown(_table(checks))])


def _table(checks: Iterable[TierCheck]) -> Table:
    head = ["tier", "predicted cores", "measured cores", "error"]
    return [head, *(list(check_row(each)) for each in checks)]


async def _main() -> None:
    with progress_display() as display:
        results = [await carried_out(run, display) for run in FITTED]
        unseen = await carried_out(UNSEEN, display)
    model = fit(results, made_by=MADE_BY)
    if free := untold(model):
        raise SystemExit(f"not written: by these runs sessions cost nothing: {', '.join(free)}")
    write(model, SHIPPED)
    text = section(model, check(model, unseen))
    CAPACITY.write_text(between(CAPACITY.read_text(), "cost-model", text))
    print(text)


if __name__ == "__main__":
    asyncio.run(_main())
