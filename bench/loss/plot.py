"""The figures as an SVG: word error rate and PESQ over loss, for each path and receiver."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bench.loss.channel import Pattern
from bench.loss.conditions import LOSSES, Condition, Receiver

WIDTH, HEIGHT = 830, 660
PANEL_WIDTH, PANEL_HEIGHT = 330, 220
LEFT, TOP = 62, 84
COLUMN, ROW = 410, 290

STYLES = {
    Receiver.RED: ("#0072b2", "Antiphon, redundant audio (RED)"),
    Receiver.FEC: ("#d55e00", "Antiphon, in-band FEC alone"),
    Receiver.AIORTC: ("#555555", "aiortc"),
}
ASIDE = {Receiver.RED: -5, Receiver.FEC: 0, Receiver.AIORTC: 5}
"""Keeps intervals that overlap apart."""

PATTERNS = {
    Pattern.RANDOM: "Random loss",
    Pattern.BURSTY: "Bursts of {mean_burst_packets:.0f} packets on average",
}

Figures = Mapping[str, float | str]


@dataclass(frozen=True, slots=True)
class Measure:
    name: str
    title: str
    lowest: float
    highest: float
    marks: tuple[float, ...]
    factor: float = 1

    def label(self, value: float) -> str:
        return f"{value:.0f} %" if self.factor == 100 else f"{value:g}"


@dataclass(frozen=True, slots=True)
class Panel:
    """Where a diagram lies, and what it is of."""

    left: float
    top: float
    pattern: Pattern
    measure: Measure

    def x(self, loss: float) -> float:
        return self.left + loss / LOSSES[-1] * PANEL_WIDTH

    def y(self, value: float) -> float:
        measure = self.measure
        share = (value - measure.lowest) / (measure.highest - measure.lowest)
        return self.top + PANEL_HEIGHT * (1 - share)


def draw(figures: Figures) -> str:
    """The whole picture."""
    measures = (
        _word_error_rate(figures),
        Measure("pesq", "PESQ-WB", 1, 4.7, (1, 2, 3, 4)),
    )
    panels = [
        Panel(LEFT + COLUMN * column, TOP + ROW * row, pattern, measure)
        for column, pattern in enumerate(PATTERNS)
        for row, measure in enumerate(measures)
    ]
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12" fill="#222">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        *_legend(figures),
    ]
    for panel in panels:
        lines += _axes(panel, figures)
        for receiver in reversed(Receiver):
            lines += _curve(panel, receiver, figures)
    return "\n".join([*lines, "</svg>", ""])


def _word_error_rate(figures: Figures) -> Measure:
    """As high as the highest interval."""
    highest = max(
        100 * float(value)
        for name, value in figures.items()
        if name.startswith("wer.") and name.endswith(".high")
    )
    step = next(step for step in (1, 2, 5, 10, 20) if highest / step <= 6)
    count = int(highest / step) + 1
    marks = tuple(float(step * place) for place in range(count + 1))
    return Measure("wer", "word error rate", 0, marks[-1], marks, factor=100)


def _legend(figures: Figures) -> Iterator[str]:
    yield (
        f'<text x="{LEFT - 40}" y="26" font-size="16" font-weight="bold">What is understood of a '
        f"caller whose packets get lost</text>"
    )
    left = LEFT - 40
    for colour, text in STYLES.values():
        yield f'<line x1="{left}" x2="{left + 24}" y1="44" y2="44" {_stroke(colour)}/>'
        yield f'<text x="{left + 30}" y="48">{text}</text>'
        left += 60 + 7 * len(text)
    words = f"{figures['sentences']:.0f} sentences; bars: 95 % bootstrap intervals over sentences"
    yield f'<text x="{WIDTH - 10}" y="{HEIGHT - 8}" text-anchor="end" fill="#666">{words}</text>'


def _axes(panel: Panel, figures: Figures) -> Iterator[str]:
    right, bottom = panel.left + PANEL_WIDTH, panel.top + PANEL_HEIGHT
    title = PATTERNS[panel.pattern].format(**figures)
    yield (
        f'<text x="{panel.left}" y="{panel.top - 8}" font-weight="bold">'
        f"{title}: {panel.measure.title}</text>"
    )
    for mark in panel.measure.marks:
        y = panel.y(mark)
        yield f'<line x1="{panel.left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
        yield (
            f'<text x="{panel.left - 6}" y="{y + 4:.1f}" text-anchor="end">'
            f"{panel.measure.label(mark)}</text>"
        )
    for loss in LOSSES:
        x = panel.x(loss)
        yield f'<line x1="{x}" x2="{x}" y1="{bottom}" y2="{bottom + 4}" stroke="#222"/>'
        yield f'<text x="{x}" y="{bottom + 17}" text-anchor="middle">{loss:.0%}</text>'
    middle = (panel.left + right) / 2
    yield f'<text x="{middle}" y="{bottom + 33}" text-anchor="middle">packets lost</text>'


def _curve(panel: Panel, receiver: Receiver, figures: Figures) -> Iterator[str]:
    colour, _title = STYLES[receiver]
    points = []
    for loss in LOSSES:
        pattern = panel.pattern if loss else Pattern.RANDOM
        name = f"{panel.measure.name}.{Condition(pattern, loss, receiver)}"
        value, low, high = (
            panel.y(panel.measure.factor * float(figures[key]))
            for key in (name, f"{name}.low", f"{name}.high")
        )
        x = panel.x(loss) + ASIDE[receiver]
        points.append(f"{x:.1f},{value:.1f}")
        yield (
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}" '
            f'stroke="{colour}" stroke-width="4" opacity="0.35"/>'
        )
        yield f'<circle cx="{x:.1f}" cy="{value:.1f}" r="3" fill="{colour}"/>'
    yield f'<polyline points="{" ".join(points)}" fill="none" {_stroke(colour)}/>'


def _stroke(colour: str) -> str:
    return f'stroke="{colour}" stroke-width="2"'
