"""What waits for the trunk keeps its order and its bound."""

import pytest

from antiphon_proto.audio_block import unpack_frames
from antiphon_proto.trunk import Cancel, ClearInput, Commit, Item, ItemCreate, Role
from transceiver import trunk_backlog
from transceiver.counters import TrunkCounters
from transceiver.trunk_backlog import TrunkBacklog

FRAME = b"\1\0" * 4
NOW = 1_800_000_000.0


def test_nothing_queued_is_no_message() -> None:
    backlog = TrunkBacklog(TrunkCounters(), lambda: NOW)
    assert not backlog
    assert backlog.take() is None


def test_a_command_keeps_its_place_among_the_frames() -> None:
    counters = TrunkCounters()
    backlog = TrunkBacklog(counters, lambda: NOW)
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
    backlog = TrunkBacklog(counters, lambda: NOW)
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
    backlog = TrunkBacklog(TrunkCounters(), lambda: NOW)
    with pytest.raises(ValueError, match="out of range"):
        backlog.add_command(1, Cancel(1, played_ms=-1))
    backlog.add_command(2, ClearInput())
    message = backlog.take()
    assert message is not None
    assert [command.session for command in message.commands] == [2]


def test_shedding_is_forgotten_with_the_message() -> None:
    backlog = TrunkBacklog(TrunkCounters(), lambda: NOW)
    backlog.add_audio(1, 0, FRAME)
    backlog.take()
    backlog.add_audio(1, 4, FRAME)
    backlog.add_command(1, ClearInput())
    message = backlog.take()
    assert message is not None
    assert message.commands[0].after_frames == 1


def test_how_long_each_frame_waited_is_observed_when_it_leaves() -> None:
    counters = TrunkCounters()
    backlog = TrunkBacklog(counters, lambda: NOW)
    backlog.add_audio(1, 0, FRAME)
    backlog.add_audio(2, 0, FRAME)
    backlog.note_arrival(NOW - 0.0025)
    backlog.note_arrival(NOW)
    backlog.add_audio(1, 4, FRAME)
    backlog.note_arrival(NOW - 0.0004)
    backlog.add_audio(3, 0, FRAME)
    backlog.take()
    observed = dict(counters.arrival_to_engine.cumulative)
    assert (observed["0.0005"], observed["0.002"], observed["0.003"]) == (1, 1, 3)
    assert observed["+Inf"] == 3
    backlog.add_audio(1, 8, FRAME)
    backlog.take()
    assert counters.arrival_to_engine.cumulative[-1] == ("+Inf", 3)


def test_what_is_shed_is_not_observed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trunk_backlog, "MAX_FRAMES", 3)
    counters = TrunkCounters()
    backlog = TrunkBacklog(counters, lambda: NOW)
    for position in range(5):
        backlog.add_audio(1, position, FRAME)
        backlog.note_arrival(NOW - 1)
    assert backlog.take() is not None
    assert counters.arrival_to_engine.cumulative[-1] == ("+Inf", 3)


def test_what_is_too_much_for_a_message_leaves_in_several(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trunk_backlog, "MAX_MESSAGE_BYTES", 50)
    backlog = TrunkBacklog(TrunkCounters(), lambda: NOW)
    for position in range(7):
        backlog.add_command(1, Commit(f"before_{position}"))
        backlog.add_audio(1, position, FRAME)
    backlog.add_command(1, Commit("last"))
    order: list[object] = []
    messages = 0
    while (message := backlog.take()) is not None:
        messages += 1
        frames = unpack_frames(message.audio)
        delivered = 0
        for command in message.commands:
            order += [frame.position for frame in frames[delivered : command.after_frames]]
            order.append(command.commit.item_id)
            delivered = command.after_frames
        order += [frame.position for frame in frames[delivered:]]
    assert messages > 2
    assert order == [each for n in range(7) for each in (f"before_{n}", n)] + ["last"]


def test_long_commands_leave_in_several_messages_too() -> None:
    """As when a hundred calls tell another replica of long conversations at once."""
    backlog = TrunkBacklog(TrunkCounters(), lambda: NOW)
    for session in range(100):
        item = Item("item", Role.USER, "w" * 300_000)
        backlog.add_command(session, ItemCreate(item))
    sessions: list[int] = []
    while (message := backlog.take()) is not None:
        assert message.ByteSize() < trunk_backlog.MAX_MESSAGE_BYTES + 400_000
        sessions += [command.session for command in message.commands]
    assert sessions == list(range(100))


def test_long_frames_are_shed_for_as_many_short_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trunk_backlog, "MAX_BYTES", 10 * len(FRAME))
    backlog = TrunkBacklog(TrunkCounters(), lambda: NOW)
    for position in range(10):
        backlog.add_audio(1, position, FRAME)
    for position in range(10, 13):
        backlog.add_audio(1, position, 5 * FRAME)
    message = backlog.take()
    assert message is not None
    assert len(message.audio.samples) <= 15 * len(FRAME)
