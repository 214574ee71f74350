import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_proto.trunk import UNSOLICITED
from transceiver.audio.live_lag import FRESH_FRAMES, WINDOW_FRAMES
from transceiver.audio.playout import (
    MAX_AGAIN_MS,
    MAX_BUFFERED_S,
    MAX_HOLD_S,
    MAX_REMEMBERED,
    HoldExpired,
    Playout,
    PlayoutCleared,
    PlayoutStarted,
    PlayoutStopped,
)

RATE = 24000
FRAME_BYTES = RATE // 50 * 2


def pcm(milliseconds: int, value: int = 1) -> bytes:
    return bytes([value, 0]) * (RATE * milliseconds // 1000)


def drain(playout: Playout) -> bytes:
    """All frames until silence."""
    return b"".join(iter(playout.next_frame, None))


def test_nothing_queued_is_silence() -> None:
    playout = Playout(RATE)
    assert playout.next_frame() is None
    assert playout.take_events() == []
    assert playout.played_ms(1) == 0


def test_a_response_leaves_in_frames_and_says_when_it_starts_and_stops() -> None:
    playout = Playout(RATE)
    playout.push(1, pcm(30))
    playout.push(1, pcm(30))
    playout.finish(1)
    assert playout.take_events() == []
    assert playout.buffered_ms == 60

    assert playout.next_frame() == pcm(20)
    assert playout.take_events() == [PlayoutStarted(1)]
    assert playout.next_frame() == pcm(20)
    assert playout.played_ms(1) == 40
    assert playout.next_frame() == pcm(20)
    assert playout.take_events() == []
    assert playout.next_frame() is None
    assert playout.take_events() == [PlayoutStopped(1)]
    assert playout.played_ms(1) == 60
    assert playout.buffered_ms == 0


def test_the_last_frame_is_padded_and_the_padding_not_counted() -> None:
    playout = Playout(RATE)
    playout.push(1, pcm(25))
    playout.finish(1)
    playout.next_frame()
    assert playout.next_frame() == pcm(5) + bytes(FRAME_BYTES - len(pcm(5)))
    assert playout.played_ms(1) == 25


def test_a_stall_in_mid_response_sends_nothing_and_is_no_end() -> None:
    playout = Playout(RATE)
    playout.push(1, pcm(30))
    playout.next_frame()
    assert playout.next_frame() is None
    assert playout.take_events() == [PlayoutStarted(1)]

    playout.push(1, pcm(10, value=2))
    assert playout.next_frame() == pcm(10) + pcm(10, value=2)
    assert playout.next_frame() is None
    assert playout.take_events() == []
    playout.finish(1)
    assert playout.take_events() == [PlayoutStopped(1)]


def test_responses_play_one_after_the_other() -> None:
    playout = Playout(RATE)
    playout.push(1, pcm(20, value=1))
    playout.push(2, pcm(20, value=2))
    playout.push(1, pcm(20, value=1))
    playout.finish(2)
    playout.finish(1)
    assert drain(playout) == pcm(40, value=1) + pcm(20, value=2)
    assert playout.take_events() == [
        PlayoutStarted(1),
        PlayoutStopped(1),
        PlayoutStarted(2),
        PlayoutStopped(2),
    ]


def test_a_response_without_audio_leaves_no_event() -> None:
    playout = Playout(RATE)
    playout.finish(1)
    playout.push(2, pcm(20))
    playout.finish(2)
    assert drain(playout) == pcm(20)
    assert playout.take_events() == [PlayoutStarted(2), PlayoutStopped(2)]


def test_cutting_drops_everything_and_says_what_was_heard() -> None:
    playout = Playout(RATE)
    playout.push(1, pcm(1000))
    playout.push(2, pcm(1000))
    for _ in range(7):
        playout.next_frame()
    playout.take_events()
    playout.cut()
    assert playout.take_events() == [PlayoutCleared(1, 140), PlayoutCleared(2, 0)]
    assert playout.next_frame() is None
    assert playout.buffered_ms == 0
    assert playout.played_ms(1) == 140


def test_what_still_comes_for_a_cut_response_is_ignored() -> None:
    playout = Playout(RATE)
    playout.push(2, pcm(100))
    playout.cut()
    playout.take_events()
    playout.push(2, pcm(100))
    playout.finish(2)
    assert playout.next_frame() is None
    assert playout.take_events() == []

    playout.push(3, pcm(20))
    assert playout.next_frame() == pcm(20)


def test_a_response_keeps_the_place_that_it_took_before_its_audio_came() -> None:
    playout = Playout(RATE)
    playout.push(1, b"")
    playout.push(2, pcm(20, 2))
    playout.finish(2)
    assert playout.next_frame() is None
    playout.push(1, pcm(20, 1))
    playout.finish(1)
    assert [playout.next_frame(), playout.next_frame()] == [pcm(20, 1), pcm(20, 2)]


def test_an_earlier_response_may_be_late() -> None:
    playout = Playout(RATE)
    playout.push(2, pcm(20, 2))
    playout.finish(2)
    playout.next_frame()
    playout.push(1, pcm(20, 1))
    assert playout.next_frame() == pcm(20, 1)


def test_a_response_can_be_discarded_before_its_audio_comes() -> None:
    playout = Playout(RATE)
    playout.discard(4)
    playout.push(4, pcm(20))
    assert playout.next_frame() is None


def test_cutting_a_response_that_was_heard_in_full_is_its_end() -> None:
    playout = Playout(RATE)
    playout.push(1, pcm(20))
    playout.finish(1)
    playout.next_frame()
    playout.cut()
    assert playout.take_events() == [PlayoutStarted(1), PlayoutStopped(1)]


def test_cutting_silence_does_nothing() -> None:
    playout = Playout(RATE)
    playout.cut()
    assert playout.take_events() == []


def test_the_queue_is_bounded_and_drops_the_newest() -> None:
    playout = Playout(RATE)
    playout.push(1, pcm(1000 * int(MAX_BUFFERED_S) - 10, value=1))
    playout.push(1, pcm(30, value=2))
    playout.push(1, pcm(30, value=3))
    assert playout.buffered_ms == 1000 * MAX_BUFFERED_S
    assert playout.dropped_ms == 50
    played = drain(playout)
    assert played.endswith(pcm(10, value=2))


def test_audio_after_the_end_is_ignored() -> None:
    playout = Playout(RATE)
    playout.push(1, pcm(20))
    playout.finish(1)
    playout.push(1, pcm(20))
    assert drain(playout) == pcm(20)
    playout.push(1, pcm(20))
    assert drain(playout) == b""


def test_half_a_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="sample"):
        Playout(RATE).push(1, b"\0")


def test_what_is_remembered_of_ended_responses_is_bounded() -> None:
    playout = Playout(RATE)
    for response in range(3 * MAX_REMEMBERED):
        playout.push(response, pcm(20))
        playout.finish(response)
        drain(playout)
    assert playout.played_ms(3 * MAX_REMEMBERED - 1) == 20
    assert playout.played_ms(2 * MAX_REMEMBERED + 2) == 20
    assert playout.played_ms(0) == 0


@given(st.integers(0, 2**32))
def test_whatever_the_schedule_all_that_was_pushed_plays_once_in_order(seed: int) -> None:
    chance = random.Random(seed)
    playout = Playout(8000)
    pushed = dict.fromkeys(range(1, 4), b"")
    played = b""
    for response in pushed:
        for _ in range(chance.randrange(6)):
            piece = bytes([response, 1]) * chance.randrange(500)
            pushed[response] += piece
            playout.push(response, piece)
            for _ in range(chance.randrange(3)):
                played += playout.next_frame() or b""
        playout.finish(response)
    played += drain(playout)

    assert played.replace(b"\0\0", b"") == b"".join(pushed.values())
    expected: list[PlayoutStarted | PlayoutStopped] = []
    for response, piece in pushed.items():
        assert playout.played_ms(response) == len(piece) // 2 * 1000 // 8000
        if piece:
            expected += [PlayoutStarted(response), PlayoutStopped(response)]
    assert playout.take_events() == expected


def test_live_audio_that_was_held_up_is_back_in_time_after_a_second() -> None:
    playout = Playout(RATE)
    playout.push(UNSOLICITED, pcm(60))
    for value in range(2 * WINDOW_FRAMES):
        playout.push(UNSOLICITED, pcm(20, value % 100))
        assert playout.next_frame() is not None
    assert playout.buffered_ms == 0
    assert playout.dropped_ms == 60


def test_a_response_that_was_held_up_is_played_all_the_same() -> None:
    playout = Playout(RATE)
    playout.push(1, pcm(60))
    for value in range(2 * WINDOW_FRAMES):
        playout.push(1, pcm(20, value % 100))
        playout.next_frame()
    playout.pass_by()
    assert playout.buffered_ms == 60
    assert playout.dropped_ms == 0


def test_live_audio_that_comes_at_once_behind_a_gap_is_cut_to_its_newest() -> None:
    playout = Playout(RATE)
    playout.push(UNSOLICITED, pcm(20))
    for _ in range(1 + WINDOW_FRAMES // 2):
        playout.next_frame()
    playout.push(UNSOLICITED, b"".join(pcm(20, value) for value in range(FRESH_FRAMES + 15)))
    assert playout.next_frame() == pcm(20, 15)
    assert playout.dropped_ms == 20 * 15


def test_live_audio_that_was_made_ahead_is_heard_whole() -> None:
    playout = Playout(RATE)
    playout.push(UNSOLICITED, pcm(20 * FRESH_FRAMES * 2))
    for _ in range(FRESH_FRAMES * 2):
        assert playout.next_frame() is not None
    assert playout.dropped_ms == 0


def test_of_live_audio_what_goes_by_unserved_is_gone() -> None:
    playout = Playout(RATE)
    playout.pass_by()
    playout.push(UNSOLICITED, pcm(20, 1) + pcm(20, 2) + pcm(10, 3))
    playout.pass_by()
    assert playout.next_frame() == pcm(20, 2)
    playout.pass_by()
    playout.push(UNSOLICITED, pcm(20, 4))
    assert playout.next_frame() == pcm(20, 4)


# ---- held ----


def playing(milliseconds: int) -> Playout:
    """A response of 200 ms whose first `milliseconds` were handed out, each of its own value."""
    playout = Playout(RATE)
    for tenth in range(10):
        playout.push(1, pcm(20, tenth + 1))
    for _ in range(milliseconds // 20):
        playout.next_frame()
    playout.take_events()
    return playout


def test_nothing_leaves_while_it_is_held_and_nothing_is_lost() -> None:
    playout = playing(40)
    playout.hold()
    playout.finish(1)
    playout.push(2, pcm(20))
    assert [playout.next_frame() for _ in range(20)] == [None] * 20
    assert playout.played_ms(1) == 40
    assert playout.take_events() == []

    playout.resume(0)
    assert playout.next_frame() == pcm(20, 3)
    assert len(drain(playout)) == 8 * FRAME_BYTES
    assert playout.take_events() == [PlayoutStopped(1), PlayoutStarted(2)]


def test_a_broken_word_is_played_again_and_counted_once() -> None:
    playout = playing(100)
    playout.hold()
    playout.resume(50)
    assert playout.played_ms(1) == 50
    assert playout.buffered_ms == 150
    assert playout.next_frame() == pcm(10, 3) + pcm(10, 4)
    playout.finish(1)
    drain(playout)
    assert playout.played_ms(1) == 200


def test_no_more_is_played_again_than_is_kept() -> None:
    playout = Playout(RATE)
    playout.push(1, pcm(3000))
    for _ in range(100):
        playout.next_frame()
    playout.hold()
    playout.resume(5000)
    assert playout.played_ms(1) == 2000 - MAX_AGAIN_MS
    playout.hold()
    playout.resume(5000)
    assert playout.played_ms(1) == 2000 - MAX_AGAIN_MS


def test_what_was_heard_to_its_end_stops_after_the_hold() -> None:
    playout = playing(200)
    playout.hold()
    playout.finish(1)
    assert playout.next_frame() is None
    assert playout.take_events() == []
    playout.resume(20)
    assert drain(playout) == pcm(20, 10)
    assert playout.next_frame() is None
    assert playout.take_events() == [PlayoutStopped(1)]


def test_a_cut_ends_a_hold() -> None:
    playout = playing(40)
    playout.hold()
    playout.cut()
    assert playout.take_events() == [PlayoutCleared(1, 40)]
    playout.push(2, pcm(20))
    assert playout.next_frame() == pcm(20)


def test_a_hold_that_nobody_ends_is_told_once() -> None:
    playout = playing(40)
    playout.hold()
    for _ in range(int(MAX_HOLD_S * 50) - 1):
        playout.next_frame()
    assert playout.take_events() == []
    playout.hold()
    for _ in range(100):
        assert playout.next_frame() is None
    assert playout.take_events() == [HoldExpired(1)]


def test_resuming_what_is_not_held_does_nothing() -> None:
    playout = playing(40)
    playout.resume(20)
    assert playout.played_ms(1) == 40
