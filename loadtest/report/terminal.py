"""The report's first minute on a terminal."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from loadtest.report import quantity
from loadtest.report.comparison import Change, Comparison, summary
from loadtest.report.comparison_page import row
from loadtest.report.conditions import harness_rows
from loadtest.report.headline import (
    VERDICT_WORDS,
    Verdict,
    bound_text,
    headline,
    key_figures,
    verdict,
)
from loadtest.report.run_page import title
from loadtest.result import RunResult

_STYLES = {Verdict.HELD: "bold green", Verdict.FAILED: "bold red", Verdict.NONE: "bold"}
_CHANGES = {Change.BETTER: "green", Change.WORSE: "red"}


def show(result: RunResult, console: Console | None = None) -> None:
    """Verdict, service levels, failures: to standard output unless told otherwise."""
    console = console or Console(highlight=False)
    found = verdict(result)
    console.print(Text.assemble((f"{VERDICT_WORDS[found]}  ", _STYLES[found]), title(result)))
    console.print(Text(headline(result)))
    for note in result.notes:
        console.print(Text(f"! {note}", style="yellow"))
    console.print(_levels(result) if result.levels else _figures(result))
    if result.failures:
        console.print(_failures(result))
    for what, how in harness_rows(result):
        console.print(Text(f"{what}: {how}", style="dim"))


def show_comparison(comparison: Comparison, console: Console | None = None) -> None:
    """What changed, then every figure."""
    console = console or Console(highlight=False)
    console.print(Text(summary(comparison)))
    if comparison.differences:
        names = ", ".join(comparison.differences)
        console.print(Text(f"! The two runs were not alike in {names}.", style="yellow"))
    columns = ("Measured", title(comparison.before), title(comparison.after))
    table = _table(*columns, "Change", "Noise", "Verdict")
    for compared in comparison.quantities:
        shown = row(compared)
        cells = (shown.before, shown.after, shown.relative, shown.noise, shown.mark)
        table.add_row(shown.description, *cells, style=_CHANGES.get(compared.change))
    console.print(table)


def _levels(result: RunResult) -> Table:
    table = _table("Service level", "Bound", "Measured", "Verdict")
    for level in result.levels:
        mark = Text("✓ held", "green") if level.held else Text("✗ not held", "bold red")
        measured = quantity.measured(level.measured, level.unit)
        table.add_row(escape(level.description), bound_text(level), measured, mark)
    return table


def _figures(result: RunResult) -> Table:
    table = _table("Measured", "")
    for figure in key_figures(result):
        table.add_row(figure.label, figure.value)
    return table


def _failures(result: RunResult) -> Table:
    table = _table("Failed calls", "Number")
    for failure in result.failures:
        example = f": {failure.examples[0]}" if failure.examples else ""
        table.add_row(escape(f"{failure.reason.replace('_', ' ')}{example}"), str(failure.count))
    return table


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(escape(first))
    for name in others:
        table.add_column(escape(name), justify="right", no_wrap=name != "Verdict")
    return table
