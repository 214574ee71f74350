"""What the operator is told of a model server that fails, and how often."""

import pytest

from inference.model_server.counters import Outcome
from inference.model_server.failure_report import REPEAT_AFTER_S, FailureReport
from inference.model_server.http_client import refused
from inference.model_server.model_server_error import ModelServerError

UNREACHABLE = ModelServerError(Outcome.UNREACHABLE, "could not be reached")


def test_a_failure_is_told_once_and_again_while_it_lasts() -> None:
    report = FailureReport("the llm server http://a/v1")
    assert report.line(UNREACHABLE, 0.0) == "the llm server http://a/v1 could not be reached"
    assert report.line(UNREACHABLE, 1.0) is None
    assert report.line(UNREACHABLE, REPEAT_AFTER_S - 1) is None
    assert report.line(UNREACHABLE, REPEAT_AFTER_S) == (
        "the llm server http://a/v1 could not be reached (2 times more since this was said last)"
    )


def test_another_failure_is_told_at_once() -> None:
    report = FailureReport("it")
    assert report.line(UNREACHABLE, 0.0)
    assert report.line(refused(500), 0.0) == "it answered 500"


@pytest.mark.parametrize(("status", "cause"), [(401, "key"), (403, "key"), (404, "model")])
def test_a_status_comes_with_its_likely_cause(status: int, cause: str) -> None:
    line = FailureReport("it").line(refused(status), 0.0)
    assert line is not None
    assert cause in line


@pytest.mark.parametrize(
    "error", [refused(400), ModelServerError(Outcome.CIRCUIT_OPEN, "failed too often a moment ago")]
)
def test_what_tells_nothing_of_the_server_is_not_told(error: ModelServerError) -> None:
    assert FailureReport("it").line(error, 0.0) is None


def test_a_servers_own_words_are_not_told() -> None:
    line = FailureReport("it").line(refused(500, None, "the prompt was: my secret"), 0.0)
    assert line == "it answered 500"
