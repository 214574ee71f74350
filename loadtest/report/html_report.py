"""The report as one page of HTML that needs nothing else: no script, no file, no network."""

from collections.abc import Sequence

from loadtest.report import page
from loadtest.report.run_page import run_page
from loadtest.report.side_by_side import side_by_side
from loadtest.result import RunResult


def render(results: Sequence[RunResult]) -> str:
    """One run in full; several side by side first, then each of them.

    Raises ValueError where there is none, or one whose scenario is not one.
    """
    if not results:
        raise ValueError("there is no run to report on")
    runs = [run_page(result, f"run-{number}") for number, result in enumerate(results, 1)]
    overview = side_by_side(results, runs) if len(runs) > 1 else None
    return page.fill("report.html.jinja", runs=runs, overview=overview)
