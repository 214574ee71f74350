"""Where the time of a set-up or of a turn goes: its stages one after the other."""

from collections.abc import Sequence

from matplotlib.ticker import FuncFormatter, MaxNLocator

from loadtest.measures.names import Latency
from loadtest.report import quantity
from loadtest.report.palette import MARKS
from loadtest.report.plot import Plot, drawing, series_style, to_svg
from loadtest.result import RunResult, Spread

SET_UP = (
    Latency.SET_UP,
    {
        "signaling": Latency.SET_UP_SIGNALING,
        "ICE": Latency.SET_UP_ICE,
        "DTLS": Latency.SET_UP_DTLS,
        "data channel": Latency.SET_UP_DATA_CHANNEL,
    },
)
TURN = (
    Latency.VOICE_TO_VOICE,
    {
        "endpointing": Latency.TURN_ENDPOINTING,
        "recognition": Latency.TURN_ASR,
        "brain": Latency.TURN_BRAIN,
        "synthesis": Latency.TURN_TTS,
        "pacing": Latency.TURN_PACING,
    },
)
"""The whole, and its stages in their order."""

_LEAST_REST = 0.02
"""Of the whole: less than this that no stage explains is not drawn."""


def stage_plot(
    result: RunResult, title: str, parts: tuple[Latency, dict[str, Latency]], name: str
) -> Plot | None:
    """None where no stage was measured."""
    whole = result.latencies.get(parts[0])
    stages = [(label, result.latencies.get(latency)) for label, latency in parts[1].items()]
    known = [(label, spread) for label, spread in stages if spread is not None and spread.count]
    if not known:
        return None
    bars = _bars(known, whole)
    with drawing(height_in=0.75 + 0.34 * len(bars), left_in=1.1) as (figure, (axes,)):
        for row, (label, begin, length, text) in enumerate(bars):
            style = (
                series_style(row)
                if row < len(known)
                else {"color": MARKS["line" if label == "other" else "muted"]}
            )
            axes.barh(row, length, left=begin, height=0.62, color=style["color"], linewidth=0)
            axes.annotate(
                text,
                (begin + length, row),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                fontsize=10,
            )
        end = max(begin + length for _, begin, length, _ in bars)
        axes.set_xlim(0.0, end * 1.5)
        axes.set_yticks(range(len(bars)), [label for label, *_ in bars])
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: quantity.duration(value)))
        description = f"{title}, by means: " + ", ".join(
            f"{label} {text}" for label, _, _, text in bars
        )
        svg = to_svg(figure, name, description)
    return Plot(title, description, svg)


def _bars(
    stages: Sequence[tuple[str, Spread]], whole: Spread | None
) -> list[tuple[str, float, float, str]]:
    """Label, begin, length in seconds, and the text beside it.

    Of means, which add up, as percentiles do not.
    """
    bars = []
    begin = 0.0
    for label, spread in stages:
        bars.append((label, begin, spread.mean, _text(spread)))
        begin += spread.mean
    if whole is None or not whole.count:
        return bars
    rest = whole.mean - begin
    if rest > _LEAST_REST * whole.mean:
        bars.append(("other", begin, rest, quantity.duration(rest)))
    return [*bars, ("whole", 0.0, whole.mean, _text(whole))]


def _text(spread: Spread) -> str:
    return f"{quantity.duration(spread.mean)}, p99 {quantity.duration(spread.p99)}"
