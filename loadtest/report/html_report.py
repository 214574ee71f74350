"""The report as one page of HTML that needs nothing else."""

from collections.abc import Sequence

from loadtest.result import RunResult


def render(results: Sequence[RunResult]) -> str:
    """One run in full; several side by side first, then each of them."""
    raise NotImplementedError
