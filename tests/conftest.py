"""What the whole test run shares."""

import contextlib
import importlib
import os
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

from tests.turns import turn

# A busy machine makes one slow example, which says nothing about what is tested.
settings.register_profile(
    "busy machine", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("busy machine")

with contextlib.suppress(ImportError):
    # First of all that numba compiles: how it does is settled for a process by whoever comes first.
    importlib.import_module("relay.fast.compiling")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let a test that needs all of the machine have it."""
    if "PYTEST_XDIST_WORKER" not in os.environ or item.config.cache is None:
        return (yield)
    alone = item.get_closest_marker("alone") is not None
    with turn(item.config.cache.mkdir("turns"), alone=alone):
        return (yield)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly what this run did not prove."""
    skipped = terminalreporter.stats.get("skipped", [])
    if not skipped:
        return
    terminalreporter.section("NOT PROVEN BY THIS RUN", sep="!", red=True, bold=True)
    for report in skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        terminalreporter.line(f"{report.nodeid}: {reason}", red=True)
