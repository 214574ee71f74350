"""What waits for the trunk keeps its order and its bound."""

import pytest

from antiphon_proto.audio_block import unpack_frames
from antiphon_proto.trunk import Cancel, ClearInput, Commit
from transceiver import trunk_backlog
from transceiver.counters import TrunkCounters
from transceiver.trunk_backlog import TrunkBacklog

FRAME = b"\1\0" * 4


def test_nothing_queued_is_no_message() -> None:
    backlog = TrunkBacklog(TrunkCounters())
    assert not backlog
    assert backlog.take() is None


def test_a_command_keeps_its_place_among_the_frames() -> None:
    counters = TrunkCounters()
    backlog = TrunkBacklog(counters)
    backlog.add_audio(7, 0, FRAME)
    backlog.add_command(7, Commit("item_1"))
    backlog.add_audio(7, 4, FRAME)
    backlog.add_command(8, ClearInput())
    message = backlog.take()
    assert message is not None
    assert [(f.session, f.position) for f in unpack_frames(message.audio)] == [(7, 0), (7, 4)]
    assert [(c.session, c.after_frames) for c in message.commands] == [(7, 1), (8, 2)]
    assert counters.frames_sent == 2
    assert not backlog


def test_a_replica_that_does_not_read_costs_the_oldest_speech_and_no_command(
    monkeypatch,
) -> None:
    monkeypatch.setattr(trunk_backlog, "MAX_FRAMES", 3)
    counters = TrunkCounters()
    backlog = TrunkBacklog(counters)
    backlog.add_audio(1, 0, FRAME)
    backlog.add_command(1, Commit("behind the first frame, which is shed"))
    for position in range(4, 20, 4):
        backlog.add_audio(1, position, FRAME)
    backlog.add_command(1, Commit("behind all"))
    message = backlog.take()
    assert message is not None
    assert [f.position for f in unpack_frames(message.audio)] == [8, 12, 16]
    assert [c.after_frames for c in message.commands] == [0, 3]
    assert counters.frames_shed == 2


def test_a_command_that_cannot_be_encoded_spoils_no_message() -> None:
    backlog = TrunkBacklog(TrunkCounters())
    with pytest.raises(ValueError, match="out of range"):
        backlog.add_command(1, Cancel(1, played_ms=-1))
    backlog.add_command(2, ClearInput())
    message = backlog.take()
    assert message is not None
    assert [command.session for command in message.commands] == [2]


def test_shedding_is_forgotten_with_the_message() -> None:
    backlog = TrunkBacklog(TrunkCounters())
    backlog.add_audio(1, 0, FRAME)
    backlog.take()
    backlog.add_audio(1, 4, FRAME)
    backlog.add_command(1, ClearInput())
    message = backlog.take()
    assert message is not None
    assert message.commands[0].after_frames == 1
