"""What is tried again, and when."""

import pytest

from inference.model_server.counters import Outcome
from inference.model_server.model_server_error import ModelServerError
from inference.model_server.retry import RetryPolicy, retry_after_s

POLICY = RetryPolicy(tries=3, first_pause_s=0.1)
PLENTY_S = 60.0


def pause_s(
    outcome: Outcome, tries: int = 1, left_s: float = PLENTY_S, **more: float
) -> float | None:
    error = ModelServerError(outcome, "failed", retry_after_s=more.get("retry_after_s"))
    return POLICY.pause_s(error, tries, left_s, lambda: more.get("random", 0.5))


@pytest.mark.parametrize("outcome", Outcome)
def test_only_what_gave_no_answer_at_all_is_tried_again(outcome: Outcome) -> None:
    again = outcome in (Outcome.UNREACHABLE, Outcome.OVERLOADED)
    assert (pause_s(outcome) is not None) == again


def test_pauses_grow_vary_and_end() -> None:
    assert pause_s(Outcome.UNREACHABLE, tries=1) == pytest.approx(0.1)
    assert pause_s(Outcome.UNREACHABLE, tries=2) == pytest.approx(0.2)
    assert pause_s(Outcome.UNREACHABLE, tries=3) is None
    assert pause_s(Outcome.UNREACHABLE, random=0.0) == pytest.approx(0.05)
    assert pause_s(Outcome.UNREACHABLE, random=1.0) == pytest.approx(0.15)


def test_the_server_is_asked_when_it_wants_to_be_if_there_is_time() -> None:
    assert pause_s(Outcome.OVERLOADED, retry_after_s=2.0) == 2.0
    assert pause_s(Outcome.OVERLOADED, retry_after_s=2.0, left_s=2.0) is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("2", 2.0),
        (" 0 ", 0.0),
        ("-1", None),
        ("1.5", None),
        ("Sat, 21 Nov 2026 10:00:00 GMT", None),
        ("²", None),
        ("9" * 400, 999999999.0),
    ],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    assert retry_after_s(header) == seconds
