"""Reports of what was played, to an engine that sends at most so much ahead of them."""

from antiphon_proto.trunk import PlaybackCredit, SessionConfig
from transceiver.audio.playout import Playout
from transceiver.playback_credit import STEP_MS, PlaybackCreditor

RATE = 24_000
FRAME = bytes(RATE // 50 * 2)


def reports(playout: Playout, frames: int) -> list[PlaybackCredit]:
    creditor = PlaybackCreditor()
    found = []
    for _ in range(frames):
        playout.next_frame()
        report = creditor.due(playout)
        if report:
            found.append(report)
    return found


def test_an_engine_with_credit_never_starves() -> None:
    """Reports come well before the credit is used up, and name what was played."""
    playout = Playout(RATE)
    playout.push(1, FRAME * 20)
    assert reports(playout, 10) == [PlaybackCredit(1, ms) for ms in range(40, 201, 40)]
    assert SessionConfig().output_credit_ms > STEP_MS * 2


def test_silence_and_unsolicited_audio_are_not_reported() -> None:
    playout = Playout(RATE)
    assert reports(playout, 5) == []
    playout.push(0, FRAME * 20)
    assert reports(playout, 10) == []


def test_the_next_response_is_counted_from_its_own_start() -> None:
    playout = Playout(RATE)
    playout.push(1, FRAME * 3)
    playout.finish(1)
    playout.push(2, FRAME * 9)
    assert reports(playout, 8) == [
        PlaybackCredit(1, 40),
        PlaybackCredit(2, 40),
        PlaybackCredit(2, 80),
    ]
