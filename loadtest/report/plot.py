"""Plots as SVG within the page: text stays text, colours are the page's, names are unique."""

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from loadtest.report.palette import DASHES, MARKS, SERIES
from loadtest.report.svg_path import compact

WIDTH_IN, HEIGHT_IN, TOP_IN = 5.2, 3.0, 0.36
"""Of 72 units each, of which a narrow telephone shows one by one pixel. Two lines of labels fit
above."""

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "antiphon",
    "text.parse_math": False,
    "font.size": 11.0,
    "axes.edgecolor": MARKS["line"],
    "axes.labelcolor": MARKS["muted"],
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": MARKS["line"],
    "grid.linewidth": 0.7,
    "lines.linewidth": 1.6,
    "text.color": MARKS["ink"],
    "xtick.color": MARKS["muted"],
    "ytick.color": MARKS["muted"],
    "xtick.major.pad": 5.0,
    "xtick.major.size": 0.0,
    "xtick.minor.size": 0.0,
    "ytick.major.size": 0.0,
    "ytick.minor.size": 0.0,
}
_DROPPED = ("metadata", "style")
_REFERENCE = re.compile(r"#([\w-]+)")
_DECIMALS = re.compile(r"-?\d+\.\d{2,}")
_USUAL = re.compile(
    r"(?:stroke-linecap: (?:square|butt)|stroke-linejoin: (?:miter|round)|stroke-dashoffset: 0"
    r"|font-size: 11px)(?:; |$)"
)
"""What the style sheet says of all plots."""
_ROLES = {mark: role for role, mark in MARKS.items()}
_MARK = re.compile("|".join(_ROLES))
_FAMILY = re.compile(r"(font: [^;']*?(?:px|pt)) '[^;]*|font-family: [^;]*;? ?")


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """One of a plot's series, for the legend beside it."""

    label: str
    role: str
    """Of the palette."""
    dash: str = "solid"


@dataclass(frozen=True, slots=True)
class Plot:
    """A figure of the page."""

    title: str
    description: str
    """What it shows, for those who do not see it; with its main figures."""
    svg: str
    legend: Sequence[LegendEntry] = ()


@contextmanager
def drawing(
    panels: int = 1, height_in: float = HEIGHT_IN, left_in: float = 0.74
) -> Iterator[tuple[Figure, list[Axes]]]:
    """A figure of so many axes, one above the other along the same x, with room for labels."""
    with mpl.rc_context({**mpl.rcParamsDefault, **_STYLE}):
        figure = Figure(figsize=(WIDTH_IN, height_in))
        figure.patch.set_visible(False)
        figure.subplots_adjust(
            left=left_in / WIDTH_IN,
            right=0.97,
            bottom=0.47 / height_in,
            top=1.0 - TOP_IN / height_in,
            hspace=0.14,
        )
        grid: Any = figure.subplots(panels, 1, sharex=True, squeeze=False)
        axes = [row[0] for row in grid]
        for one in axes:
            one.patch.set_visible(False)
        yield figure, axes


def series_style(index: int) -> dict[str, Any]:
    """Arguments of `Axes.plot`, of the series of that index."""
    index %= len(SERIES)
    return {"color": MARKS[SERIES[index]], "linestyle": DASHES[index]}


def legend_entry(label: str, index: int) -> LegendEntry:
    index %= len(SERIES)
    return LegendEntry(label, SERIES[index], DASHES[index])


def log_steps(limits: tuple[float, float]) -> tuple[float, ...]:
    """What a logarithmic axis names within each decade: the more, the fewer there are."""
    return (1.0,) if limits[1] > 100.0 * limits[0] else (1.0, 2.0, 5.0)


def to_svg(figure: Figure, name: str, description: str) -> str:
    """An `svg` element whose ids begin with `name`, which no other one of the page may have."""
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    root = ElementTree.fromstring(text.getvalue())  # noqa: S314 (of our own making)
    _strip(root)
    _colour(root)
    _rename(root, name)
    for attribute in ("width", "height", "version"):
        root.attrib.pop(attribute, None)
    root.attrib |= {"class": "plot", "role": "img", "aria-label": description}
    return ElementTree.tostring(root, encoding="unicode")


def _strip(element: ElementTree.Element) -> None:
    """Leave out what an HTML page needs not, or must not have: namespaces, links, global style."""
    element.tag = _local(element.tag)
    element.attrib = {_local(key): _short(value) for key, value in element.attrib.items()}
    if element.tag == "path":
        element.attrib["d"] = compact(element.attrib.get("d", ""))
    if "style" in element.attrib:
        element.attrib["style"] = _USUAL.sub("", element.attrib["style"]).rstrip("; ")
    if element.tag == "text":
        element.attrib["style"] = _FAMILY.sub(r"\1", element.attrib.get("style", ""))
        if element.attrib.get("transform", "").startswith("rotate(-0 "):
            del element.attrib["transform"]
    if element.tag != "text" and element.text is not None and not element.text.strip():
        element.text = None
    element.tail = None
    kept = [child for child in element if _local(str(child.tag)) not in _DROPPED]
    for child in kept:
        _strip(child)
    element[:] = [one for child in kept for one in _without_group(child)]


def _without_group(element: ElementTree.Element) -> list[ElementTree.Element]:
    """What a group holds that says nothing itself."""
    idle = element.tag == "g" and not element.attrib.keys() - {"id"}
    return list(element) if idle else [element]


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _short(value: str) -> str:
    """Coordinates to a tenth of a unit."""
    return _DECIMALS.sub(lambda number: f"{float(number[0]):.1f}", " ".join(value.split()))


def _rename(root: ElementTree.Element, name: str) -> None:
    """Give what is referred to names of this plot's own; what is not needs none."""
    values = [value for element in root.iter() for value in element.attrib.values()]
    used = dict.fromkeys(found for value in values for found in _REFERENCE.findall(value))
    names = {old: f"{name}-{number}" for number, old in enumerate(used)}
    for element in root.iter():
        if element.attrib.get("id") not in names:
            element.attrib.pop("id", None)
        for key, value in element.attrib.items():
            if key == "id":
                element.attrib[key] = names[value]
            elif "#" in value:
                element.attrib[key] = _REFERENCE.sub(
                    lambda found: f"#{names.get(found[1], found[1])}", value
                )


def _colour(root: ElementTree.Element) -> None:
    for element in root.iter():
        for key, value in element.attrib.items():
            element.attrib[key] = _MARK.sub(lambda mark: f"var(--{_ROLES[mark[0]]})", value)
