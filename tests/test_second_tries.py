"""Tests in real time are tried twice, others once, and what a first try said is told."""

import pytest

pytest_plugins = "pytester"

CONFTEST = """
from tests.second_tries import allow_second_try, first_tries, is_second_try

def pytest_configure(config):
    config.addinivalue_line("markers", "e2e: starts real processes")

def pytest_collection_modifyitems(items):
    for item in items:
        allow_second_try(item)

def pytest_runtest_setup(item):
    item.obj.__globals__["second"] = is_second_try(item)

def pytest_terminal_summary(terminalreporter):
    for line in first_tries(terminalreporter):
        terminalreporter.line(line)
"""
TESTS = """
import pytest

@pytest.mark.e2e
def test_late_once():
    if not second:
        pytest.fail("too late")

@pytest.mark.e2e
def test_late_twice():
    pytest.fail("late again")

def test_wrong():
    pytest.fail("wrong")
"""


def test_only_what_runs_in_real_time_is_tried_again(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(TESTS)
    result = pytester.runpytest("-p", "no:asyncio")
    assert result.parseoutcomes() == {"passed": 1, "failed": 2, "rerun": 2}
    printed = result.stdout.str()
    assert "test_late_once: Failed: too late" in printed
    assert "test_late_twice: Failed: late again" in printed
    assert "test_wrong: Failed" not in printed
