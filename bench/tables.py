"""Figures as tables, for a terminal and for the docs, and the bounds that they must keep to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Figures = Mapping[str, float | str]
Table = list[list[str]]


@dataclass(frozen=True, slots=True)
class Bound:
    """What a figure must keep to, in the unit that it is shown in."""

    text: str
    key: str
    limit: float
    unit: str
    scale: float = 1
    at_least: bool = False

    def row(self, figures: Figures) -> list[str]:
        """What, measured, the bound, and the verdict."""
        value = figures.get(self.key)
        bound = f"{'at least' if self.at_least else 'at most'} {_quantity(self.limit, self.unit)}"
        if not isinstance(value, float | int):
            return [self.text, "not measured", bound, "MISSED"]
        shown = value * self.scale
        kept = shown >= self.limit if self.at_least else shown <= self.limit
        return [self.text, _quantity(shown, self.unit), bound, "ok" if kept else "MISSED"]


def bound_table(bounds: Iterable[Bound], figures: Figures) -> Table:
    head = ["what", "measured", "bound", ""]
    return [head, *(bound.row(figures) for bound in bounds)]


def as_text(table: Table) -> str:
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in table
    )
    return "\n".join(line.rstrip() for line in lines)


def as_markdown(table: Table) -> list[str]:
    head, *rows = (f"| {' | '.join(row)} |" for row in table)
    return [head, "|" + "---|" * len(table[0]), *rows]


def _quantity(value: float, unit: str) -> str:
    number = f"{value:,.0f}" if value >= 10_000 else f"{value:.4g}"
    return f"{number} {unit}".rstrip()
