"""A search as a page of HTML."""

from dataclasses import dataclass

from loadtest.capacity.capacity_result import CapacityResult, Step
from loadtest.capacity.tables import share_row, summary
from loadtest.report import page, quantity
from loadtest.report.palette import MARKS
from loadtest.report.plot import Plot, drawing, legend_entry, series_style, to_svg


@dataclass(frozen=True, slots=True)
class StepRow:
    sessions: str
    verdict: str
    held: bool
    failed: str
    cores: dict[str, str]


def render(result: CapacityResult) -> str:
    return page.fill(
        "capacity.html.jinja",
        result=result,
        summary=summary(result),
        rows=[row(step) for step in result.steps],
        tiers=[share_row(tier) for tier in result.tiers],
        plots=[cores_plot(result, "cores")] if any(s.tiers_cpu for s in result.steps) else [],
        machine=", ".join(f"{name} {value}" for name, value in result.machine.items()),
    )


def row(step: Step) -> StepRow:
    verdict = "held" if step.held else "failed"
    return StepRow(
        sessions=f"{step.sessions:,}",
        verdict=f"{verdict}, second try" if step.repeat else verdict,
        held=step.held,
        failed="; ".join(
            f"{level.description}: {quantity.measured(level.measured, level.unit)}, "
            f"bound {quantity.measured(level.bound, level.unit)}"
            for level in step.failed
        ),
        cores={tier: quantity.cores(used) for tier, used in step.tiers_cpu.items()},
    )


def cores_plot(result: CapacityResult, name: str) -> Plot:
    """Cores over sessions, tier by tier; steps that failed are crosses."""
    steps = sorted(result.steps, key=lambda step: step.sessions)
    tiers = sorted({tier for step in steps for tier in step.tiers_cpu})
    description = f"Cores that each tier used over sessions, up to {steps[-1].sessions:,}"
    with drawing() as (figure, (axes,)):
        for index, tier in enumerate(tiers):
            for held, mark in ((True, "o"), (False, "x")):
                here = [step for step in steps if step.held == held]
                used = [step.tiers_cpu.get(tier, 0.0) for step in here]
                style = {**series_style(index), "linestyle": "none"}
                axes.plot([step.sessions for step in here], used, mark, **style)
        if result.largest:
            axes.axvline(result.largest, color=MARKS["held"], linewidth=1.0)
        axes.set_xlabel("sessions")
        axes.set_ylabel("cores")
        axes.set_xlim(left=0)
        axes.set_ylim(bottom=0)
        svg = to_svg(figure, name, description)
    legend = [legend_entry(tier, index) for index, tier in enumerate(tiers)]
    return Plot("Cores over sessions", description, svg, legend)
