"""How appended audio goes to the engine: whole, in order, and not all at once."""

import pytest

from antiphon_proto.realtime import RealtimeError
from antiphon_proto.realtime.audio_format import Pcm, Pcma
from transceiver.appended_audio import BURST_S, FRAME_S, MAX_AHEAD_S, PACE, AppendedAudio

A_SECOND = 48_000
RATE = 16_000


def taken(appended: AppendedAudio, now: float) -> tuple[list[tuple[int, bytes]], float]:
    """All that waits, in the time that it takes; and when that was."""
    frames = appended.take(now)
    while appended.wait_s:
        now += appended.wait_s
        frames += appended.take(now)
    return frames, now


def test_the_clock_counts_what_was_appended_and_no_other_time() -> None:
    appended = AppendedAudio(RATE, 0.0)
    appended.append(Pcm(), bytes(4800), 1.0)
    frames, _ = taken(appended, 1.0)
    appended.append(Pcm(), bytes(2400), 500.0)
    later, _ = taken(appended, 500.0)
    assert [(position, len(pcm)) for position, pcm in frames + later] == [(0, 3200), (1600, 1600)]


def test_a_client_that_speaks_never_waits() -> None:
    appended = AppendedAudio(RATE, 0.0)
    for step in range(500):
        now = step * 0.02
        appended.append(Pcm(), bytes(960), now)
        assert len(appended.take(now)) == 1
        assert appended.wait_s == 0


def test_a_recording_goes_at_the_pace() -> None:
    appended = AppendedAudio(RATE, 0.0)
    appended.append(Pcm(), bytes(61 * A_SECOND), 0.0)
    frames, now = taken(appended, 0.0)
    assert sum(len(pcm) for _position, pcm in frames) == 61 * RATE * 2
    assert max(len(pcm) for _position, pcm in frames) == FRAME_S * RATE * 2
    assert now == pytest.approx((61 - BURST_S) / PACE, abs=BURST_S / PACE)


def test_audio_at_a_hundred_times_real_time_is_refused_in_the_end() -> None:
    appended = AppendedAudio(RATE, 0.0)
    now = 0.0
    for _ in range(int(MAX_AHEAD_S)):
        appended.append(Pcm(), bytes(A_SECOND), now)
        now += 0.01
        taken(appended, now)
    appended.append(Pcm(), bytes(A_SECOND), now)
    with pytest.raises(RealtimeError) as refused:
        appended.append(Pcm(), bytes(6 * A_SECOND), now)
    assert refused.value.code == "rate_limit_exceeded"
    appended.append(Pcm(), bytes(A_SECOND), now + 2.0)


def test_what_is_refused_is_refused_whole() -> None:
    appended = AppendedAudio(RATE, 0.0)
    with pytest.raises(RealtimeError):
        appended.append(Pcma(), bytes(8_000 * int(MAX_AHEAD_S + 1)), 0.0)
    assert taken(appended, 0.0) == ([], 0.0)
