"""How latencies are distributed: shares of calls or frames, drawn so that the tail shows."""

from collections.abc import Sequence
from math import log10

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from loadtest.measures.histogram import Histogram
from loadtest.report import quantity
from loadtest.report.palette import MARKS
from loadtest.report.plot import Plot, drawing, legend_entry, log_steps, series_style, to_svg
from loadtest.report.timeline import Values
from loadtest.result import Spread

MOST_POINTS = 120
LEAST_OF_MEDIAN = 30.0
"""Of the smallest median, the axis shows no less than this part."""
MARKED = (50.0, 95.0, 99.0)
_PERCENTS = (0.0, 50.0, 90.0, 95.0, 99.0, 99.9, 99.99, 99.999)


def distribution_plot(title: str, spreads: Sequence[tuple[str, Spread]], name: str) -> Plot | None:
    """Of each label's latency, one line. None where there is nothing to draw."""
    shown = [(label, spread) for label, spread in spreads if spread.count]
    if not shown:
        return None
    with drawing() as (figure, (axes,)):
        for index, (_, spread) in enumerate(shown):
            _draw(axes, spread, index)
        _finish(axes, [spread for _, spread in shown])
        description = f"{title}, cumulative: " + "; ".join(
            f"{label} median {quantity.duration(spread.p50)}, p99 {quantity.duration(spread.p99)}"
            for label, spread in shown
        )
        svg = to_svg(figure, name, description)
    legend = [legend_entry(label, index) for index, (label, _) in enumerate(shown)]
    return Plot(title, description, svg, legend)


def _draw(axes: Axes, spread: Spread, index: int) -> None:
    histogram = Histogram.decode(spread.histogram.encode())
    seconds, shares = np.array(list(histogram.cumulative())).T
    depths = _depth(shares, spread.count)
    kept = _thinned(depths)
    axes.step(seconds[kept], depths[kept], where="post", **series_style(index))
    known = [percent for percent in MARKED if spread.count * (1.0 - percent / 100) >= 1.0]
    marked = [histogram.percentile(percent) or 0.0 for percent in known]
    colour = series_style(index)["color"]
    axes.plot(marked, _depth(np.array(known) / 100, spread.count), "o", ms=4.5, color=colour)


def _depth(shares: Values, count: int) -> Values:
    """Nines: 90 % is 1, 99 % is 2; and all of them as many as the number of values can show."""
    rest: Values = np.maximum(1.0 - shares, 1.0 / max(count, 2))
    return -np.log10(rest)


def _thinned(depths: Values) -> list[int]:
    """Indices of the first value at each of so many depths, and the last one."""
    wanted = np.linspace(depths[0], depths[-1], MOST_POINTS)
    return sorted({*np.searchsorted(depths, wanted[:-1]).tolist(), len(depths) - 1})


def _finish(axes: Axes, spreads: Sequence[Spread]) -> None:
    deepest = max(2.0, *(log10(max(spread.count, 2)) for spread in spreads))
    axes.set_xscale("log")
    least = min(spread.p50 for spread in spreads) / LEAST_OF_MEDIAN
    axes.set_xlim(left=max(axes.get_xlim()[0], least))
    axes.xaxis.set_major_locator(LogLocator(10.0, subs=log_steps(axes.get_xlim()), numticks=6))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: quantity.duration(value)))
    shown = [percent for percent in _PERCENTS if _nines(percent) <= deepest]
    axes.set_yticks([_nines(percent) for percent in shown])
    axes.set_yticklabels([f"{percent:g} %" for percent in shown])
    axes.set_ylim(0.0, deepest * 1.03)
    for percent in MARKED:
        axes.axhline(_nines(percent), color=MARKS["muted"], linewidth=0.6, linestyle=(0, (1, 3)))


def _nines(percent: float) -> float:
    return -log10(1.0 - percent / 100)
