"""A simulation as a page of HTML."""

from loadtest.report import page, quantity
from loadtest.simulation.assumptions import assumptions
from loadtest.simulation.simulation_plots import plots
from loadtest.simulation.simulation_result import SimulationResult
from loadtest.simulation.simulation_table import rows, summary


def render(result: SimulationResult) -> str:
    levels: dict[str, float] = result.scenario["levels"]
    machine = ", ".join(map(str, result.machine.values()))
    return page.fill(
        "simulation.html.jinja",
        result=result,
        summary=summary(result),
        description=result.scenario["description"],
        heads=["Callers of", *(region.name for region in result.regions)],
        rows=rows(result),
        levels={name: quantity.share(bound) for name, bound in levels.items()},
        set_up=quantity.duration(levels["set_up_seconds"]),
        plots=plots(result),
        pods=[(tier, f"{calls:,} calls") for tier, calls in result.sessions_a_pod.items()],
        assumptions=assumptions(result),
        sources=[("runs", ", ".join(result.model_sources)), ("on", machine)],
    )
