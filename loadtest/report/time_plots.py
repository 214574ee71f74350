"""What went on over the run's time: sessions, calls, frames, cores, memory; with its faults."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from loadtest.measures.names import Count, Latency
from loadtest.report import quantity
from loadtest.report.fault_labels import plot_labels
from loadtest.report.palette import MARKS
from loadtest.report.plot import (
    LegendEntry,
    Plot,
    drawing,
    legend_entry,
    log_steps,
    series_style,
    to_svg,
)
from loadtest.report.timeline import Timeline, Values, count_of, percentile_of
from loadtest.result import RunResult, Second
from loadtest.verdict.wording import words

HARNESS = "load itself"
LEAST_S = 1e-5
"""What is less is drawn as this: the promptest frame is late by nothing, which no logarithm has."""


def sessions_plot(result: RunResult, name: str) -> Plot:
    timeline = Timeline(result.series)
    with drawing(panels=2) as (figure, (sessions, calls)):
        _line(sessions, timeline, timeline.mean(lambda second: second.sessions), 0)
        sessions.fill_between(
            _edges(timeline),
            _closed(timeline.mean(lambda second: second.sessions)),
            step="post",
            alpha=0.15,
            color=series_style(0)["color"],
            linewidth=0,
        )
        sessions.set_ylabel("sessions")
        for index, count in enumerate((Count.CALLS_SET_UP, Count.CALLS_ENDED, Count.CALLS_FAILED)):
            _line(calls, timeline, timeline.mean(count_of(count)), _CALLS[index])
        calls.set_ylabel("calls/s")
        _finish([sessions, calls], result, _number)
        description = f"Sessions over time, at the most {result.peak_sessions}; and calls a second"
        svg = to_svg(figure, name, description)
    labels = ("set up", "ended", "failed")
    legend = [legend_entry(label, index) for label, index in zip(labels, _CALLS, strict=True)]
    return Plot("Sessions, and calls a second", description, svg, legend)


_CALLS = (2, 5, 1)
"""Their colours: failures have a warm one."""


def frames_plot(result: RunResult, name: str) -> Plot | None:
    """None where no frames were sent."""
    if not result.totals.get(Count.FRAMES_SENT):
        return None
    counts = [Count.FRAMES_SENT, Count.FRAMES_LOST, Count.FRAMES_RECEIVED]
    if result.totals.get(Count.FRAMES_SKIPPED):
        counts.append(Count.FRAMES_SKIPPED)
    lines = {words(count).removeprefix("Frames "): count_of(count) for count in counts}
    return _lines_plot(result, name, "Frames a second", lines, _number)


def lateness_plot(result: RunResult, name: str) -> Plot | None:
    """None where no frames were timed."""
    bound_s = float(result.scenario["on_schedule_ms"]) / 1e3
    return _latency_plot(result, name, Latency.FRAME_LATENESS, bound_s)


def answers_plot(result: RunResult, name: str) -> Plot | None:
    """How fast answers came, or else packets did. None where neither was timed."""
    spoken = result.latencies.get(Latency.VOICE_TO_VOICE)
    timed = spoken is not None and spoken.count
    latency = Latency.VOICE_TO_VOICE if timed else Latency.ROUND_TRIP
    return _latency_plot(result, name, latency)


def _latency_plot(
    result: RunResult, name: str, latency: Latency, bound_s: float | None = None
) -> Plot | None:
    spread = result.latencies.get(latency)
    if spread is None or not spread.count:
        return None
    timeline = Timeline(result.series)
    legend = [legend_entry(label, at) for at, label in enumerate(("median", "p99", "maximum"))]
    with drawing() as (figure, (axes,)):
        for index in reversed(range(3)):
            values = timeline.largest(percentile_of(latency, index))
            _line(axes, timeline, np.maximum(values, LEAST_S), index)
        if bound_s is not None:
            axes.axhline(bound_s, color=MARKS["ink"], linewidth=1.0, linestyle=(0, (2, 2)))
            text = f"on schedule: {quantity.duration(bound_s)}"
            legend.append(LegendEntry(text, "ink", "dotted"))
        axes.set_yscale("log")
        _finish([axes], result, quantity.duration)
        description = (
            f"{words(latency)} over time: median {quantity.duration(spread.p50)}, 99th percentile "
            f"{quantity.duration(spread.p99)}, maximum {quantity.duration(spread.maximum)}"
        )
        svg = to_svg(figure, name, description)
    return Plot(f"{words(latency)}, each second", description, svg, legend)


def cpu_plot(result: RunResult, name: str) -> Plot:
    def cores(tier: str) -> Callable[[Second], float | None]:
        return lambda second: second.tiers_cpu.get(tier)

    lines = {tier: cores(tier) for tier in _tiers(result)}
    lines[HARNESS] = lambda second: second.workers_cpu
    return _lines_plot(result, name, "Cores used", lines, quantity.cores)


def memory_plot(result: RunResult, name: str) -> Plot | None:
    """None where no tier could be watched."""

    def size(tier: str) -> Callable[[Second], float | None]:
        return lambda second: second.tiers_memory.get(tier)

    lines = {tier: size(tier) for tier in _tiers(result)}
    if not lines:
        return None
    return _lines_plot(result, name, "Memory, resident", lines, quantity.memory)


def _lines_plot(
    result: RunResult,
    name: str,
    title: str,
    lines: Mapping[str, Callable[[Second], float | None]],
    text: Callable[[float], str],
) -> Plot:
    timeline = Timeline(result.series)
    values = {label: timeline.mean(value) for label, value in lines.items()}
    with drawing() as (figure, (axes,)):
        for index, label in enumerate(values):
            _line(axes, timeline, values[label], index)
        _finish([axes], result, text)
        means = [
            f"{label} {text(float(np.nanmean(found)))}"
            for label, found in values.items()
            if not np.all(np.isnan(found))
        ]
        description = f"{title} over time; on the average {', '.join(means)}"
        svg = to_svg(figure, name, description)
    legend = [legend_entry(label, index) for index, label in enumerate(values)]
    return Plot(title, description, svg, legend)


def _tiers(result: RunResult) -> list[str]:
    return list(dict.fromkeys(tier for second in result.series for tier in second.tiers_cpu))


def _line(axes: Axes, timeline: Timeline, values: Values, index: int) -> None:
    axes.step(_edges(timeline), _closed(values), where="post", **series_style(index))


def _edges(timeline: Timeline) -> Values:
    """A step lasts as long as its seconds did, also the last one."""
    end = timeline.seconds[-1:] + timeline.seconds_a_point
    return np.concatenate([timeline.seconds, end])


def _closed(values: Values) -> Values:
    return np.concatenate([values, values[-1:]])


def _number(value: float) -> str:
    return quantity.number(value)


def _finish(panels: Sequence[Axes], result: RunResult, text: Callable[[float], str]) -> None:
    for axes in panels:
        axes.yaxis.set_minor_locator(NullLocator())
        if axes.get_yscale() == "linear":
            axes.set_ylim(bottom=0.0)
            axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
        else:
            axes.yaxis.set_major_locator(LogLocator(10.0, subs=log_steps(axes.get_ylim())))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: text(value)))
        axes.grid(visible=False, axis="x")
        axes.set_xlim(0.0, result.series[-1].second + 1.0)
        for fault in result.faults:
            axes.axvline(fault.second, color=MARKS["ink"], linewidth=1.0, linestyle=(0, (4, 2)))
            end = fault.second + fault.lasted_seconds
            axes.axvspan(fault.second, end, color=MARKS["ink"], alpha=0.12, linewidth=0)
    labels = plot_labels(result.faults)
    for number, (fault, label) in enumerate(zip(result.faults, labels, strict=True)):
        _name_fault(panels[0], fault.second, label, line=number % 2)
    panels[-1].set_xlabel("seconds")


def _name_fault(axes: Axes, second: float, label: str, *, line: int) -> None:
    """Above the plot, in turn on two lines."""
    right = second > sum(axes.get_xlim()) / 2
    axes.annotate(
        label,
        (second, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(-2 if right else 2, 3 + 11 * line),
        textcoords="offset points",
        ha="right" if right else "left",
        fontsize=10,
        color=MARKS["ink"],
    )
