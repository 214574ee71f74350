"""Which response plays, and which one's end is still to be told."""

from antiphon_proto.realtime import RealtimeSession
from transceiver.item_history import ItemHistory
from transceiver.response_stream import ResponseStream
from transceiver.unplayed import MAX_UNPLAYED, Unplayed


def stream(number: int) -> ResponseStream:
    return ResponseStream(
        number,
        RealtimeSession(),
        ItemHistory(),
        conversation_id="conv_1",
        metadata=None,
        new_id=lambda prefix: f"{prefix}_{number}",
    )


def test_responses_play_one_after_the_other() -> None:
    first, second = stream(1), stream(2)
    unplayed = Unplayed()
    unplayed.add(first)
    unplayed.add(second)
    assert unplayed.playing is None
    assert unplayed.started(1) is first
    assert unplayed.playing is first
    assert unplayed.stopped(1) is first
    assert unplayed.playing is None
    assert unplayed.started(2) is second
    assert unplayed.streams() == [second]
    unplayed.cut()
    assert not unplayed
    assert unplayed.playing is None


def test_what_was_never_queued_is_unknown() -> None:
    unplayed = Unplayed()
    unplayed.add(stream(1))
    playing = unplayed.started(1)
    assert unplayed.started(7) is None
    assert unplayed.stopped(7) is None
    assert unplayed.playing is playing


def test_the_oldest_is_forgotten() -> None:
    unplayed = Unplayed()
    for number in range(1, MAX_UNPLAYED + 2):
        unplayed.add(stream(number))
    assert unplayed.started(1) is None
    assert len(unplayed.streams()) == MAX_UNPLAYED
