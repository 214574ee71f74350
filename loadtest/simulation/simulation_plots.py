"""A simulation over time: calls, what went wrong with them, pods, set-up times."""

from collections.abc import Callable, Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from loadtest.report.palette import MARKS
from loadtest.report.plot import Plot, drawing, legend_entry, series_style, to_svg
from loadtest.simulation.simulation_result import RegionResult, SimulationResult

Values = Callable[[RegionResult], Sequence[float]]


def plots(result: SimulationResult) -> list[Plot]:
    sample = float(result.scenario["sample_seconds"])
    wrong = [("refused", "refused"), ("cut", "cut"), ("interrupted", "interrupted")]
    return [
        _regions(result, "sessions", "Calls that are up", "calls", lambda r: r.series["sessions"]),
        _regions(result, "busy", "Transceivers' room that is taken", "share", _busy),
        *(
            _regions(result, key, f"Calls {words}, a second", "calls/s", _rate(key, sample))
            for key, words in wrong
        ),
        _regions(result, "broken", "Calls that are broken, and try to come back", "calls", _broken),
        _regions(
            result, "setup", "Set-up, p99 of each sample", "s", lambda r: r.series["set_up_p99"]
        ),
        *(_pods(result, tier) for tier in result.sessions_a_pod),
    ]


def _busy(region: RegionResult) -> Sequence[float]:
    return region.series["transceiver.busy"]


def _broken(region: RegionResult) -> Sequence[float]:
    return region.series["broken"]


def _rate(key: str, sample_seconds: float) -> Values:
    return lambda region: [number / sample_seconds for number in region.series[key]]


def _regions(result: SimulationResult, name: str, title: str, unit: str, values: Values) -> Plot:
    """A line a region."""
    most = max(max(values(region)) for region in result.regions)
    description = f"{title}, by region, over time; at the most {most:,.3g} {unit}"
    with drawing() as (figure, (axes,)):
        for index, region in enumerate(result.regions):
            axes.plot(_hours(region), values(region), **series_style(index))
        axes.set_ylabel(unit)
        _finish(axes, result)
        svg = to_svg(figure, name, description)
    legend = [legend_entry(region.name, at) for at, region in enumerate(result.regions)]
    return Plot(title, description, svg, legend)


def _pods(result: SimulationResult, tier: str) -> Plot:
    return _regions(
        result, f"pods-{tier}", f"Pods, {tier}", "pods", lambda r: r.series[f"{tier}.pods"]
    )


def _hours(region: RegionResult) -> list[float]:
    return [second / 3600 for second in region.series["second"]]


def _finish(axes: Axes, result: SimulationResult) -> None:
    for failure in result.scenario["failures"]:
        axes.axvline(failure["at_seconds"] / 3600, color=MARKS["failed"], linewidth=0.9)
    axes.set_xlim(0.0, result.seconds / 3600)
    axes.set_ylim(bottom=0.0)
    axes.set_xlabel("hours")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _at: _short(value)))


def _short(value: float) -> str:
    """With as many digits as fit beside an axis."""
    if value >= 1e6:
        return f"{value / 1e6:.3g}M"
    return f"{value / 1e3:.3g}k" if value >= 1e3 else f"{value:.3g}"
