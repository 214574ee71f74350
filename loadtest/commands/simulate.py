"""`antiphon-loadtest simulate`: a deployment of any size, by what calls cost on a measured one."""

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from chassis.settings import SettingError, load, setting, whole_number
from loadtest.capacity.cost_model import CostModelError, read
from loadtest.capacity.cost_model_commands import SHIPPED
from loadtest.simulation.assumptions import assumptions
from loadtest.simulation.reading import (
    SimulationScenarioError,
    read_simulation,
    shipped_simulations,
)
from loadtest.simulation.scenario import SimulationScenario
from loadtest.simulation.simulation import Simulation
from loadtest.simulation.simulation_page import render
from loadtest.simulation.simulation_result import SimulationResult
from loadtest.simulation.simulation_table import summary, table
from loadtest.simulation.sizing import size

PROG = "antiphon-loadtest simulate"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """SCENARIO first: a file, or a name of those that come with this."""

    model: Path = setting(SHIPPED, help="what calls cost: a file of `capacity --fit`", parse=Path)
    sessions: int | None = setting(
        None, help="at once, instead of the scenario's", parse=whole_number(1, 20_000_000)
    )
    seed: int | None = setting(
        None, help="instead of the scenario's", parse=whole_number(0, 2**63 - 1)
    )
    out: Path = setting(Path("loadtest-results"), help="directory of the report", parse=Path)


def run(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Returns 0, or 2 where nothing could be simulated. Raises SettingError."""
    named = argv[:1] if argv and not argv[0].startswith("-") else []
    settings = load(Settings, argv[len(named) :], environ, prog=f"{PROG} SCENARIO")
    if not named:
        known = ", ".join(shipped_simulations())
        raise SettingError(f"give a scenario first: a file, or one of {known}")
    try:
        result = simulate(_changed(read_simulation(named[0]), settings), settings.model)
        return _report(result, settings.out)
    except (SimulationScenarioError, CostModelError) as error:
        raise SettingError(str(error)) from error
    except OSError as error:
        print(f"{PROG}: {error}", file=sys.stderr)
        return 2


def simulate(scenario: SimulationScenario, model_file: Path) -> SimulationResult:
    """With progress on the terminal. Raises CostModelError."""
    model = read(model_file)
    simulation = Simulation(scenario, size(scenario, model))
    began = time.monotonic()
    with Progress(transient=True) as progress:
        task = progress.add_task(scenario.name, total=scenario.seconds)

        def told(second: float, sessions: int) -> None:
            progress.update(task, completed=second, description=f"{sessions:,} calls")

        simulation.run(told)
    wall_seconds = time.monotonic() - began
    return msgspec.structs.replace(simulation.result(model), wall_seconds=wall_seconds)


def _changed(scenario: SimulationScenario, settings: Settings) -> SimulationScenario:
    calls = scenario.calls
    if settings.sessions is not None:
        calls = msgspec.structs.replace(calls, sessions=settings.sessions)
    seed = scenario.seed if settings.seed is None else settings.seed
    return msgspec.structs.replace(scenario, calls=calls, seed=seed)


def _report(result: SimulationResult, out: Path) -> int:
    """Raises OSError."""
    out.mkdir(parents=True, exist_ok=True)
    name = f"simulation-{result.name}"
    (out / f"{name}.json").write_bytes(msgspec.json.encode(result) + b"\n")
    (out / f"{name}.html").write_text(render(result))
    console = Console()
    console.print(table(result))
    console.print(summary(result))
    for assumption in assumptions(result):
        console.print(Text(f"Assumed: {assumption}", style="dim"))
    print(f"{out / name}.html\n{out / name}.json")
    return 0
