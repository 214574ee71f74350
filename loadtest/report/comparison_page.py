"""A comparison as one page of HTML."""

from dataclasses import dataclass

from loadtest.report import page, quantity
from loadtest.report.comparison import Change, ComparedQuantity, Comparison, summary
from loadtest.report.run_page import run_page
from loadtest.report.side_by_side import side_by_side

MARKS = {
    Change.BETTER: "▲ better",
    Change.WORSE: "▼ worse",
    Change.SAME: "same",
    Change.UNKNOWN: "cannot be said",
    Change.NEUTRAL: "",
}


@dataclass(frozen=True, slots=True)
class Row:
    description: str
    before: str
    after: str
    relative: str
    noise: str
    change: Change
    mark: str


def render(comparison: Comparison) -> str:
    """Raises ValueError of a run whose scenario is not one."""
    results = [comparison.before, comparison.after]
    runs = [run_page(result, f"run-{number}") for number, result in enumerate(results, 1)]
    return page.fill(
        "comparison.html.jinja",
        comparison=comparison,
        summary=summary(comparison),
        rows=[row(compared) for compared in comparison.quantities],
        runs=runs,
        overview=side_by_side(results, runs),
    )


def row(compared: ComparedQuantity) -> Row:
    return Row(
        description=compared.description,
        before=quantity.measured(compared.before, compared.unit),
        after=quantity.measured(compared.after, compared.unit),
        relative=_signed(compared.relative),
        noise=_noise(compared),
        change=compared.change,
        mark=MARKS[compared.change],
    )


def _signed(relative: float | None) -> str:
    return quantity.NOTHING if relative is None else f"{relative:+.1%}".replace("%", " %")


def _noise(compared: ComparedQuantity) -> str:
    """Of a ratio in points of per cent, of all else in per cent of what it was."""
    if compared.noise is None:
        return quantity.NOTHING
    points = " points" if compared.unit == "ratio" else " %"
    return f"±{quantity.digits(100.0 * compared.noise)}{points}"
