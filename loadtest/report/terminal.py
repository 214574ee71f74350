"""The report's first minute on a terminal."""

from rich.console import Console

from loadtest.result import RunResult


def show(result: RunResult, console: Console | None = None) -> None:
    """Verdict, service levels, failures: to standard output unless told otherwise."""
    raise NotImplementedError
