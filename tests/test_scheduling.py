"""Tests that want the machine follow each other in one process."""

from tests.scheduling import Scheduling


def test_files_with_tests_that_want_the_machine_are_one_unit() -> None:
    unit = Scheduling.__new__(Scheduling)._split_scope
    alone = {
        unit("tests/e2e/test_relay_flood.py::test_calls_go_on_in_a_flood[fast]"),
        unit("tests/e2e/rollout/test_rollout.py::test_a_relay_that_hands_over_loses_nothing"),
    }
    assert len(alone) == 1
    assert unit("tests/e2e/test_drain.py::test_it") == "tests/e2e/test_drain.py"
