"""Where the time of a set-up or of a turn goes: its stages one after the other."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from loadtest.measures.names import Latency
from loadtest.report import quantity
from loadtest.report.palette import MARKS
from loadtest.report.plot import Plot, drawing, series_style, to_svg
from loadtest.result import RunResult, Spread


@dataclass(frozen=True, slots=True)
class Stages:
    """A latency, and what goes on in it."""

    title: str
    whole: Latency
    whole_label: str
    within: Mapping[str, Latency]
    """Labels and stages, in their order."""
    after: Mapping[str, Latency]
    """Stages that go on when the whole is over."""


SET_UP = Stages(
    "Set-up, stage by stage",
    Latency.SET_UP,
    "until media",
    {
        "signaling": Latency.SET_UP_SIGNALING,
        "ICE": Latency.SET_UP_ICE,
        "DTLS": Latency.SET_UP_DTLS,
    },
    {"data channel": Latency.SET_UP_DATA_CHANNEL},
)
TURN = Stages(
    "A turn, stage by stage",
    Latency.VOICE_TO_VOICE,
    "whole",
    {
        "endpointing": Latency.TURN_ENDPOINTING,
        "recognition": Latency.TURN_ASR,
        "brain": Latency.TURN_BRAIN,
        "synthesis": Latency.TURN_TTS,
        "pacing": Latency.TURN_PACING,
    },
    {},
)

_LEAST_REST = 0.02
"""Of the whole: less than this that no stage explains is not drawn."""


@dataclass(frozen=True, slots=True)
class _Bar:
    label: str
    begin: float
    """Seconds, as its length is."""
    length: float
    text: str
    colour: str


def stage_plot(result: RunResult, stages: Stages, name: str) -> Plot | None:
    """None where no stage was measured."""
    bars = _bars(result, stages)
    if all(bar.label == stages.whole_label for bar in bars):
        return None
    with drawing(height_in=0.75 + 0.34 * len(bars), left_in=1.1) as (figure, (axes,)):
        for row, bar in enumerate(bars):
            _draw(axes, row, bar)
        axes.set_xlim(0.0, 1.85 * max(bar.begin + bar.length for bar in bars))
        axes.set_yticks(range(len(bars)), [bar.label for bar in bars])
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: quantity.duration(value)))
        parts = ", ".join(f"{bar.label} {bar.text}" for bar in bars)
        description = f"{stages.title}, by means: {parts}"
        svg = to_svg(figure, name, description)
    return Plot(stages.title, description, svg)


def _draw(axes: Axes, row: int, bar: _Bar) -> None:
    axes.barh(row, bar.length, left=bar.begin, height=0.62, color=bar.colour, linewidth=0)
    axes.annotate(
        bar.text,
        (bar.begin + bar.length, row),
        xytext=(4, 0),
        textcoords="offset points",
        va="center",
        fontsize=10,
    )


def _bars(result: RunResult, stages: Stages) -> list[_Bar]:
    """Of means, which add up, as percentiles do not."""
    bars = list(_sequence(result, stages.within, 0.0, 0))
    end = bars[-1].begin + bars[-1].length if bars else 0.0
    whole = _measured(result, stages.whole)
    if whole is not None:
        rest = whole.mean - end
        if bars and rest > _LEAST_REST * whole.mean:
            bars.append(_Bar("other", end, rest, quantity.duration(rest), MARKS["line"]))
        label, end = stages.whole_label, whole.mean
        bars.append(_Bar(label, 0.0, whole.mean, _text(whole), MARKS["muted"]))
    return [*bars, *_sequence(result, stages.after, end, len(stages.within))]


def _sequence(
    result: RunResult, stages: Mapping[str, Latency], begin: float, index: int
) -> Iterator[_Bar]:
    for number, (label, latency) in enumerate(stages.items(), index):
        spread = _measured(result, latency)
        if spread is not None:
            yield _Bar(label, begin, spread.mean, _text(spread), series_style(number)["color"])
            begin += spread.mean


def _measured(result: RunResult, latency: Latency) -> Spread | None:
    spread = result.latencies.get(latency)
    return spread if spread is not None and spread.count else None


def _text(spread: Spread) -> str:
    return f"{quantity.duration(spread.mean)}, p99 {quantity.duration(spread.p99)}"
