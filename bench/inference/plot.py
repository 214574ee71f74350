"""Draws docs/turn-latency.svg: how turn latencies are distributed, and what their medians are
made of."""

from collections.abc import Iterator
from dataclasses import dataclass

from bench.tables import Figures

WIDTH, HEIGHT = 830, 580
LEFT, RIGHT = 150, 800
CURVES_TOP, CURVES_HEIGHT = 84, 220
BARS_TOP, BAR_HEIGHT, BAR_STEP = 380, 26, 40
MARK_MS = 100
PIECES_A_ROW = 3

PERCENTS = tuple(range(5, 100, 5))


@dataclass(frozen=True, slots=True)
class Contender:
    name: str
    colour: str
    title: str
    short: str


CONTENDERS = (
    Contender("rules", "#009e73", "rules, 200 ms of silence", "rules"),
    Contender("llm300.preemptive", "#0072b2", "300 ms to first token, preemptive", "preemptive"),
    Contender("llm300.plain", "#d55e00", "300 ms to first token, plain", "plain"),
)

PIECES = (
    ("turn_ended", "#56b4e9", "silence until the turn ends"),
    ("respond", "#f0e442", "asked to answer"),
    ("first_text", "#e69f00", "transcript and first text"),
    ("first_audio", "#cc79a7", "first audio"),
)
AROUND = ("#bbbbbb", "before the detector's end of speech, and the trunk")


def draw(figures: Figures) -> str:
    """The whole picture."""
    highest = max(_ms(figures, each, "p95") for each in CONTENDERS)
    scale = Scale((int(highest / MARK_MS) + 1) * MARK_MS)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12" fill="#222">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        '<text x="22" y="26" font-size="16" font-weight="bold">'
        "From the end of the user's speech to the first audio of the answer</text>",
        *_legend(),
        *_axes(scale),
    ]
    for contender in CONTENDERS:
        lines += _curve(contender, scale, figures)
    for place, contender in enumerate(CONTENDERS):
        lines += _bar(contender, BARS_TOP + place * BAR_STEP, scale, figures)
    lines += _pieces()
    return "\n".join([*lines, "</svg>", ""])


@dataclass(frozen=True, slots=True)
class Scale:
    highest_ms: float

    def x(self, milliseconds: float) -> float:
        return LEFT + milliseconds / self.highest_ms * (RIGHT - LEFT)


def _ms(figures: Figures, contender: Contender, part: str) -> float:
    return 1000 * float(figures[f"turn_latency.{contender.name}.{part}_seconds"])


def _y(percent: float) -> float:
    return CURVES_TOP + CURVES_HEIGHT * (1 - percent / 100)


def _legend() -> Iterator[str]:
    left = 22
    for each in CONTENDERS:
        yield f'<line x1="{left}" x2="{left + 24}" y1="46" y2="46" {_stroke(each.colour)}/>'
        yield f'<text x="{left + 30}" y="50">{each.title}</text>'
        left += 60 + 7 * len(each.title)


def _axes(scale: Scale) -> Iterator[str]:
    yield _title(CURVES_TOP - 10, "share of turns answered")
    for percent in (0, 25, 50, 75, 100):
        y = _y(percent)
        yield f'<line x1="{LEFT}" x2="{RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{percent} %</text>'
    for mark in range(0, int(scale.highest_ms) + 1, MARK_MS):
        x = scale.x(mark)
        for top, bottom in ((CURVES_TOP, _y(0)), (BARS_TOP - 12, BARS_TOP + 3 * BAR_STEP)):
            yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}" stroke="#eee"/>'
            yield f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{mark}</text>'
    yield f'<text x="{RIGHT}" y="{_y(0) + 32}" text-anchor="end" fill="#666">milliseconds</text>'
    yield _title(BARS_TOP - 22, "median, and where it goes")


def _curve(contender: Contender, scale: Scale, figures: Figures) -> Iterator[str]:
    points = [
        f"{scale.x(_ms(figures, contender, f'p{percent:02}')):.1f},{_y(percent):.1f}"
        for percent in PERCENTS
    ]
    yield f'<polyline points="{" ".join(points)}" fill="none" {_stroke(contender.colour)}/>'


def _bar(contender: Contender, top: float, scale: Scale, figures: Figures) -> Iterator[str]:
    """Stages one behind the other; what the engine's account leaves of the whole comes first."""
    whole = _ms(figures, contender, "p50")
    reached = [_ms(figures, contender, f"{stage}.p50") for stage, *_ in PIECES]
    starts = [whole - reached[-1] + at for at in (0.0, *reached)]
    colours = [AROUND[0], *(colour for _, colour, _ in PIECES)]
    lasting = zip([0.0, *starts[:-1]], starts, colours, strict=True)
    for begin, end, colour in lasting:
        width = max(0.0, scale.x(end) - scale.x(begin))
        yield (
            f'<rect x="{scale.x(begin):.1f}" y="{top}" width="{width:.1f}" height="{BAR_HEIGHT}" '
            f'fill="{colour}"/>'
        )
    middle = top + BAR_HEIGHT / 2 + 4
    yield f'<text x="{LEFT - 8}" y="{middle}" text-anchor="end">{contender.short}</text>'
    yield f'<text x="{scale.x(whole) + 6:.1f}" y="{middle}">{whole:.0f} ms</text>'


def _pieces() -> Iterator[str]:
    left, top = 22, HEIGHT - 36
    for place, (colour, text) in enumerate((AROUND, *(piece[1:] for piece in PIECES))):
        if place == PIECES_A_ROW:
            left, top = 22, HEIGHT - 14
        yield f'<rect x="{left}" y="{top - 10}" width="12" height="12" fill="{colour}"/>'
        yield f'<text x="{left + 17}" y="{top}">{text}</text>'
        left += 34 + round(6.2 * len(text))


def _title(y: float, text: str) -> str:
    return f'<text x="{LEFT}" y="{y}" font-weight="bold">{text}</text>'


def _stroke(colour: str) -> str:
    return f'stroke="{colour}" stroke-width="2"'
