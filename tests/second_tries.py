"""A second try, alone, for a test of real processes that failed beside others.

What is spoken and heard in real time goes wrong where a machine is too busy, which says nothing
about the software. The second try counts; what the first one said is told at the end of the run.
"""

from collections.abc import Iterator

import pytest

REAL_TIME = ("e2e", "browser")
"""Marks of the tests that have one."""


def allow_second_try(item: pytest.Item) -> None:
    if any(item.get_closest_marker(name) for name in REAL_TIME):
        item.add_marker(pytest.mark.flaky(reruns=1))


def is_second_try(item: pytest.Item) -> bool:
    return getattr(item, "execution_count", 1) > 1


def first_tries(reporter: pytest.TerminalReporter) -> Iterator[str]:
    """A line for each that failed: of which test, and how."""
    for report in reporter.stats.get("rerun", []):
        crash = getattr(report.longrepr, "reprcrash", None)
        yield f"{report.nodeid}: {crash.message if crash else report.longrepr}"
