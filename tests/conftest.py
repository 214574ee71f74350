"""What the whole test run shares."""

import contextlib
import importlib
import os
from collections.abc import Generator
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.scheduling import Scheduling, has_tests_alone
from tests.second_tries import allow_second_try, first_tries, is_second_try
from tests.turns import Company, Turns

# A busy machine makes one slow example, which says nothing about what is tested.
settings.register_profile(
    "busy machine", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("busy machine")

with contextlib.suppress(ImportError):
    # First of all that numba compiles: how it does is settled for a process by whoever comes first.
    importlib.import_module("relay.fast.numba_code")


_IS_SHARED = "PYTEST_XDIST_WORKER" in os.environ
"""Whether other processes of this test run are on the machine, too."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    return Scheduling(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Parts come first, as what fails in one is better seen there; or last, where processes share
    tests out: short ones at the end let them end together."""
    items.sort(key=_effort, reverse=_IS_SHARED)
    for item in items if _IS_SHARED else ():
        allow_second_try(item)


def _effort(item: pytest.Item) -> int:
    file = item.path.relative_to(item.config.rootpath)
    if has_tests_alone(str(file)):
        return 3 if _company(item) is Company.NOBODY else 2
    if _company(item) is Company.CALM:
        return 4
    return int(item.get_closest_marker("e2e") is not None)


@cache
def _turns(config: pytest.Config) -> Turns:
    assert config.cache is not None
    return Turns(config.cache.mkdir("turns"))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(
    item: pytest.Item, nextitem: pytest.Item | None
) -> Generator[None, object, object]:
    """Let a test that needs all of the machine, or calm, have it."""
    if not _IS_SHARED:
        return (yield)
    with _turns(item.config).turn(_company(item), _company(nextitem)):
        return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if _IS_SHARED and is_second_try(item):
        _turns(item.config).take_over()


def _company(item: pytest.Item | None) -> Company:
    if item is not None and item.get_closest_marker("alone"):
        return Company.NOBODY
    if item is not None and item.get_closest_marker("calm"):
        return Company.CALM
    return Company.ANYBODY


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly what this run did not prove, or not at once."""
    skipped = terminalreporter.stats.get("skipped", [])
    _tell(terminalreporter, "NOT PROVEN BY THIS RUN", [_skipping(report) for report in skipped])
    _tell(terminalreporter, "TRIED AGAIN, ALONE", list(first_tries(terminalreporter)))


def _tell(reporter: pytest.TerminalReporter, title: str, lines: list[str]) -> None:
    if lines:
        reporter.section(title, sep="!", red=True, bold=True)
    for line in lines:
        reporter.line(line, red=True)


def _skipping(report: pytest.TestReport) -> str:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    return f"{report.nodeid}: {reason}"
