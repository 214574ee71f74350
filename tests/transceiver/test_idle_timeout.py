"""When a silence behind an answer has become too long."""

import pytest

from antiphon_proto.realtime.session import SemanticVad, ServerVad, TurnDetection
from transceiver.idle_timeout import IdleTimeout

FIVE_SECONDS = ServerVad(idle_timeout_ms=5000)


def passed(
    idle: IdleTimeout,
    now: float,
    detection: TurnDetection | None = FIVE_SECONDS,
    *,
    busy: bool = False,
    speaks: bool = False,
) -> int | None:
    """The input is as old as the clock."""
    return idle.passed(
        now, detection, agent_busy=busy, user_speaks=speaks, heard_ms=int(now * 1000)
    )


def test_it_passes_once_behind_each_answer() -> None:
    idle = IdleTimeout(client_plays=False)
    assert passed(idle, 100.0) is None, "nobody was answered yet"
    idle.answered()
    assert passed(idle, 101.0, busy=True) is None
    assert passed(idle, 102.0) is None
    assert passed(idle, 106.9) is None
    assert passed(idle, 107.0) == 102_000
    assert passed(idle, 200.0) is None
    idle.answered()
    assert passed(idle, 200.0) is None
    assert passed(idle, 205.0) == 200_000


def test_speech_begins_it_anew() -> None:
    idle = IdleTimeout(client_plays=False)
    idle.answered()
    assert passed(idle, 1.0) is None
    assert passed(idle, 5.0, speaks=True) is None
    assert passed(idle, 6.0) is None
    assert passed(idle, 10.9) is None
    assert passed(idle, 11.0) == 6_000


def test_an_answer_between_two_looks_begins_it_anew() -> None:
    idle = IdleTimeout(client_plays=False)
    idle.answered()
    assert passed(idle, 1.0) is None
    idle.answered()
    assert passed(idle, 6.0) is None
    assert passed(idle, 11.0) == 6_000


def test_a_client_plays_what_it_was_sent_at_its_own_pace() -> None:
    idle = IdleTimeout(client_plays=True)
    idle.audio(2.0, 10.0)
    idle.audio(3.0, 10.1)
    idle.answered()
    assert passed(idle, 14.9) is None
    assert passed(idle, 15.0) is None
    assert passed(idle, 20.0) == 15_000


def test_a_client_that_is_interrupted_plays_no_more() -> None:
    idle = IdleTimeout(client_plays=True)
    idle.audio(60.0, 10.0)
    idle.answered()
    assert passed(idle, 11.0, speaks=True) is None
    assert passed(idle, 12.0) is None
    assert passed(idle, 17.0) == 12_000


@pytest.mark.parametrize(
    "detection",
    [
        None,
        SemanticVad(),
        ServerVad(),
        ServerVad(idle_timeout_ms=5000, create_response=False, interrupt_response=False),
    ],
)
def test_who_does_not_want_it_waits_for_ever(detection: TurnDetection | None) -> None:
    idle = IdleTimeout(client_plays=False)
    idle.answered()
    assert passed(idle, 1.0, detection) is None
    assert passed(idle, 1000.0, detection) is None
    assert passed(idle, 1000.0, FIVE_SECONDS) == 1000, "it is asked for in the silence"
