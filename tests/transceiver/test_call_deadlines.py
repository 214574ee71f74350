"""How long calls may take, last and be silent."""

import pytest

from transceiver.call_deadlines import SETUP_TIMEOUT_S, CallDeadlines
from transceiver.close_reason import CloseReason

START = 1000.0


@pytest.fixture
def deadlines() -> CallDeadlines:
    return CallDeadlines(START, max_s=600, idle_s=60)


def test_a_client_has_to_come_in_time(deadlines: CallDeadlines) -> None:
    end = START + SETUP_TIMEOUT_S
    assert deadlines.passed(end, connected=False) is None
    assert deadlines.passed(end + 0.1, connected=False) is CloseReason.SETUP_TIMEOUT
    assert deadlines.passed(end + 0.1, connected=True) is None


def test_a_call_ends_however_lively_it_is(deadlines: CallDeadlines) -> None:
    deadlines.active(START + 600)
    assert deadlines.passed(START + 600, connected=True) is None
    assert deadlines.passed(START + 600.1, connected=True) is CloseReason.MAX_DURATION


def test_silence_on_both_sides_ends_a_call(deadlines: CallDeadlines) -> None:
    assert deadlines.passed(START + 60, connected=True) is None
    assert deadlines.passed(START + 60.1, connected=True) is CloseReason.IDLE


def test_what_the_agent_says_puts_the_end_off(deadlines: CallDeadlines) -> None:
    deadlines.active(START + 50)
    assert deadlines.passed(START + 110, connected=True) is None
    assert deadlines.passed(START + 110.1, connected=True) is CloseReason.IDLE


def test_a_user_who_speaks_for_long_is_not_idle(deadlines: CallDeadlines) -> None:
    deadlines.user_speaks(START + 10, speaking=True)
    assert deadlines.passed(START + 300, connected=True) is None
    deadlines.user_speaks(START + 300, speaking=False)
    assert deadlines.passed(START + 360, connected=True) is None
    assert deadlines.passed(START + 360.1, connected=True) is CloseReason.IDLE


def test_any_silence_may_be_allowed() -> None:
    deadlines = CallDeadlines(START, max_s=86_400, idle_s=0)
    assert deadlines.passed(START + 80_000, connected=True) is None
