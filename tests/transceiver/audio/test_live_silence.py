import pytest

from transceiver.audio.live_silence import (
    CLOCK_SLACK_S,
    DTX_MARGIN_S,
    MAX_CARRIED_S,
    MAX_S,
    STALL_MARGIN_S,
    LiveSilence,
)

RATE = 24000
FRAME = RATE // 50


def paused() -> LiveSilence:
    silence = LiveSilence(RATE)
    silence.heard_at, silence.announced = 0.0, True
    return silence


@pytest.mark.parametrize(("announced", "margin_s"), [(True, DTX_MARGIN_S), (False, STALL_MARGIN_S)])
def test_it_comes_in_whole_frames_as_time_passes(announced: bool, margin_s: float) -> None:
    silence = LiveSilence(RATE)
    silence.announced = announced
    assert silence.due(margin_s + 0.019) == 0
    assert silence.due(margin_s + 0.021) == FRAME
    assert silence.due(margin_s + 0.021) == 0
    assert silence.due(margin_s + 0.101) == 4 * FRAME


def test_what_was_given_is_not_given_again_when_the_next_packet_comes() -> None:
    silence = paused()
    given = silence.due(0.4)
    gap = int(0.38 * RATE)
    assert silence.settle(gap, 0.4, lost=False) == (0, gap - given)
    assert silence.settle(gap, 0.4, lost=False) == (0, gap)


def test_silence_that_was_invented_is_taken_from_the_next_pause() -> None:
    silence = paused()
    given = silence.due(0.5)
    assert silence.settle(given - 3 * FRAME, 0.5, lost=False) == (0, 0)

    silence.heard_at = 1.0
    assert silence.due(1.0 + DTX_MARGIN_S + 0.101) == 2 * FRAME
    assert silence.settle(10 * FRAME, 1.3, lost=False) == (0, 5 * FRAME)
    assert silence.settle(10 * FRAME, 1.6, lost=False) == (0, 10 * FRAME)


def test_it_is_not_taken_from_what_was_lost() -> None:
    silence = paused()
    given = silence.due(0.5)
    assert silence.settle(given - 3 * FRAME, 0.5, lost=True) == (0, 0)
    assert silence.settle(FRAME, 0.5, lost=True) == (0, FRAME)
    assert silence.settle(5 * FRAME, 0.5, lost=False) == (0, 2 * FRAME)


def test_a_long_stall_shortens_the_next_pause_by_little() -> None:
    silence = LiveSilence(RATE)
    assert silence.due(5.0) > 4 * RATE
    assert silence.settle(0, 5.0, lost=False) == (0, 0)
    withheld = int(MAX_CARRIED_S * RATE)
    assert silence.settle(RATE, 6.0, lost=False) == (0, RATE - withheld)


def test_a_pause_is_heard_up_to_its_cap_and_skipped_beyond() -> None:
    silence = paused()
    given = silence.due(60.0)
    assert given == MAX_S * RATE
    assert silence.settle(60 * RATE, 60.0, lost=False) == (50 * RATE, 0)

    silence = paused()
    assert silence.settle(60 * RATE, 60.0, lost=False) == (50 * RATE, given)


def test_a_jump_of_the_clock_is_believed_as_far_as_time_passed() -> None:
    silence = paused()
    assert silence.settle(3600 * RATE, 1.0, lost=False) == (0, int((1 + CLOCK_SLACK_S) * RATE))
