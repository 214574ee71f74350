"""`python -m bench.simulations`: what simulated deployments take, into docs/capacity.md.

Simulates what `antiphon-loadtest simulate` ships, by the model of what calls cost that ships too.
"""

from collections.abc import Sequence

from bench.report import CAPACITY, between
from bench.tables import Table, as_markdown
from loadtest.capacity.cost_model_commands import SHIPPED
from loadtest.commands.simulate import simulate
from loadtest.report import quantity
from loadtest.simulation.reading import read_simulation, shipped_simulations
from loadtest.simulation.simulation_result import SimulationResult
from loadtest.tiers import TIERS

HEAD = [
    "simulation",
    "calls at once",
    "relay pods",
    "transceiver pods",
    "replicas",
    "core-hours",
    "refused",
    "cut",
    "over its levels",
    "events",
    "simulated in",
]


TEXT = """\
Pods of all regions together, at the most, times the cores of one; refused and cut are of all
calls; over its levels is the worst region's time. What calls cost is by the model above, in which
inference is the embedded engine on CPU.
"""


def section(results: Sequence[SimulationResult]) -> str:
    return "\n".join([TEXT, *as_markdown(table(results))])


def table(results: Sequence[SimulationResult]) -> Table:
    return [HEAD, *(_row(result) for result in sorted(results, key=_sessions))]


def _row(result: SimulationResult) -> list[str]:
    arrived = sum(region.arrived for region in result.regions)
    refused = sum(region.refused for region in result.regions)
    cut = sum(region.cut for region in result.regions)
    over = max(region.over_level_seconds for region in result.regions)
    return [
        f"`{result.name}`",
        f"{_sessions(result):,}",
        *(_pods(result, tier) for tier in TIERS),
        f"{result.core_hours:,.0f}",
        quantity.share(refused / arrived),
        quantity.share(cut / arrived),
        f"{over:.0f} s of {result.seconds:,.0f} s",
        f"{result.events / 1e6:,.1f} million",
        f"{result.wall_seconds or 0.0:.0f} s",
    ]


def _sessions(result: SimulationResult) -> int:
    sessions: int = result.scenario["calls"]["sessions"]
    return sessions


def _pods(result: SimulationResult, tier: str) -> str:
    pods = sum(region.peak_pods[tier] for region in result.regions)
    cores = result.scenario["tiers"].get(tier, {"cores": 1.0})["cores"]
    return f"{pods:,} × {cores:g}"


if __name__ == "__main__":
    found = [simulate(read_simulation(name), SHIPPED) for name in shipped_simulations()]
    filled = between(CAPACITY.read_text(), "simulations", section(found))
    CAPACITY.write_text(filled)
    print(f"filled {CAPACITY.name}")
