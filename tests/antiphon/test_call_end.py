import pytest

from antiphon.call_end import QUIET_S, CallProgress, is_over


@pytest.mark.parametrize(
    ("heard_at", "awaits_agent", "over"),
    [
        (None, False, False),
        (5.0, False, True),
        (12.5, False, False),
        (5.0, True, False),
    ],
)
def test_a_call_ends_in_the_silence_after_its_answer(
    heard_at: float | None, awaits_agent: bool, over: bool
) -> None:
    progress = CallProgress(said_at=10.0, heard_at=heard_at, awaits_agent=awaits_agent)
    assert is_over(progress, 10.0 + QUIET_S + 0.1) is over


def test_a_call_goes_on_while_the_end_of_the_file_may_yet_be_answered() -> None:
    progress = CallProgress(said_at=10.0, heard_at=1.0, awaits_agent=False)
    assert not is_over(progress, 10.5)
