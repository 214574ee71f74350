"""Streams of redundant audio, each packet with the frame before its own, through loss."""

import random

import pytest

from tests.transceiver.audio.rtp_client import (
    DTX,
    FRAME,
    OPUS,
    PLAIN,
    RATE,
    RED,
    REDUNDANT,
    TICKS,
    pcm,
    plain,
    redundant,
    tone_packets,
)
from transceiver.audio.receiver import AudioFrame, AudioReceiver
from transceiver.rtp.packet import RtpPacket
from transceiver.rtp.red import RedBlock, encode_red

TONE = tone_packets(200)


def stream(frames: list[bytes], blocks: int = 1) -> list[RtpPacket]:
    """Each packet with that many frames before its own."""
    return redundant(frames, range(1, blocks + 1))


def play(receiver: AudioReceiver, packets: list[RtpPacket | None]) -> list[AudioFrame]:
    """One packet each 20 ms, None where one is lost."""
    frames: list[AudioFrame] = []
    for index, packet in enumerate(packets):
        frames += receiver.receive(packet, index * 0.02) if packet else []
        frames += receiver.tick(index * 0.02 + 0.01)
    return frames


@pytest.fixture
def receiver() -> AudioReceiver:
    return AudioReceiver(REDUNDANT, RATE)


@pytest.fixture(scope="module")
def undamaged() -> bytes:
    return pcm(play(AudioReceiver(REDUNDANT, RATE), [*stream(TONE)]))


def test_nothing_lost_is_the_plain_stream(undamaged: bytes) -> None:
    assert pcm(play(AudioReceiver(PLAIN, RATE), [*plain(TONE)])) == undamaged


def test_a_lost_frame_comes_back_exactly_with_the_next_packet(
    receiver: AudioReceiver, undamaged: bytes
) -> None:
    packets: list[RtpPacket | None] = [*stream(TONE)]
    packets[50] = packets[100] = None

    frames = play(receiver, packets)

    assert pcm(frames) == undamaged
    assert all(frame.waited_s == 0 for frame in frames)
    assert (receiver.counts.redundant, receiver.counts.recovered) == (2, 0)


@pytest.mark.parametrize(("blocks", "exact"), [(1, False), (2, True)])
def test_a_burst_comes_back_as_far_as_the_blocks_reach(
    receiver: AudioReceiver, undamaged: bytes, blocks: int, exact: bool
) -> None:
    packets: list[RtpPacket | None] = [*stream(TONE, blocks)]
    packets[50] = packets[51] = None

    frames = play(receiver, packets)

    assert len(pcm(frames)) == len(undamaged)
    assert (pcm(frames) == undamaged) is exact
    assert receiver.counts.redundant == blocks


@pytest.mark.parametrize("lost", [{50}, {50, 51}])
def test_a_block_is_placed_by_its_time_and_not_among_its_neighbours(
    receiver: AudioReceiver, undamaged: bytes, lost: set[int]
) -> None:
    """A sender may repeat only the frame before the last: it then survives bursts of two."""
    packets = redundant(TONE, [2])

    frames = play(receiver, [None if i in lost else each for i, each in enumerate(packets)])

    assert pcm(frames) == undamaged
    assert receiver.counts.redundant == len(lost)


def test_distant_blocks_carry_over_a_longer_burst(
    receiver: AudioReceiver, undamaged: bytes
) -> None:
    packets: list[RtpPacket | None] = [*redundant(TONE, [2, 4])]
    packets[50] = packets[51] = packets[52] = None

    assert pcm(play(receiver, packets)) == undamaged
    assert receiver.counts.redundant == 3


def test_a_lost_frame_before_a_longer_one_comes_back(receiver: AudioReceiver) -> None:
    """Chromium's first frame of a pause says that the one before it lies 40 ms back."""
    packets: list[RtpPacket | None] = [*stream(TONE[:10])]
    ends = [RedBlock(OPUS, 2 * TICKS, TONE[10]), RedBlock(OPUS, 0, DTX)]
    packets += [None, RtpPacket(RED, 11, 12 * TICKS, 1, encode_red(ends))]

    frames = play(receiver, packets)

    assert receiver.counts.redundant == 1
    assert [frame.position for frame in frames[10:13]] == [10 * FRAME, 11 * FRAME, 12 * FRAME]
    assert not any(frames[11].pcm)


def test_a_late_packet_after_its_repetition_is_not_played_twice(
    receiver: AudioReceiver, undamaged: bytes
) -> None:
    packets = stream(TONE)
    packets[50], packets[51] = packets[51], packets[50]

    assert pcm(play(receiver, [*packets])) == undamaged


def test_random_loss_leaves_only_what_was_lost_twice(receiver: AudioReceiver) -> None:
    draw = random.Random(1)
    lost = {index for index in range(1, len(TONE) - 1) if draw.random() < 0.2}
    once = {index for index in lost if index + 1 not in lost}
    assert len(once) > 20

    frames = play(receiver, [None if i in lost else each for i, each in enumerate(stream(TONE))])

    assert receiver.counts.redundant == len(once)
    assert len(pcm(frames)) == len(TONE) * FRAME * 2


def test_the_offset_tells_the_pause_that_was_before_a_repeated_frame(
    receiver: AudioReceiver,
) -> None:
    """As Chromium does under DTX: contiguous sequence numbers, timestamps that jump."""
    receiver.receive(RtpPacket(RED, 7, 0, 1, encode_red([RedBlock(OPUS, 0, TONE[0])])), 0.0)
    resumed = [RedBlock(OPUS, 5 * TICKS, TONE[1]), RedBlock(OPUS, 0, TONE[2])]
    frames = receiver.receive(RtpPacket(RED, 9, 20 * TICKS, 1, encode_red(resumed)), 0.4)

    spoken = [frame.position for frame in frames if any(frame.pcm)]
    assert spoken == [15 * FRAME, 20 * FRAME]
    assert sum(len(frame.pcm) for frame in frames) == 20 * FRAME * 2


def test_padding_takes_its_place_in_silence(receiver: AudioReceiver) -> None:
    packets = stream(TONE[:3])
    padding = [RtpPacket(RED, 3 + i, 2 * TICKS, 1, b"") for i in range(24)]
    after = RtpPacket(RED, 27, 3 * TICKS, 1, encode_red([RedBlock(OPUS, 0, TONE[3])]))

    frames = [frame for each in (*packets, *padding, after) for frame in receiver.receive(each, 0)]

    assert len(pcm(frames)) == 4 * FRAME * 2
    assert receiver.counts.malformed == 0


def test_a_frame_repeated_in_the_place_of_lost_padding_is_not_played_twice(
    receiver: AudioReceiver, undamaged: bytes
) -> None:
    packets: list[RtpPacket | None] = [*stream(TONE[:3])]
    padding = [RtpPacket(RED, 3 + i, 2 * TICKS, 1, b"") for i in range(3)]
    after = [
        RtpPacket(RED, each.sequence + 3, each.timestamp, 1, each.payload)
        for each in stream(TONE[:10])[3:]
    ]

    frames = play(receiver, [*packets, *padding[:2], None, *after])

    assert pcm(frames) == undamaged[: 10 * FRAME * 2]
    assert receiver.counts.redundant == 0


def test_an_empty_block_does_not_take_a_late_packets_place(
    receiver: AudioReceiver, undamaged: bytes
) -> None:
    packets = stream(TONE[:10])
    empty = encode_red([RedBlock(OPUS, TICKS, b""), RedBlock(OPUS, 0, TONE[6])])
    packets[6] = RtpPacket(RED, 6, 6 * TICKS, 1, empty)
    packets[5], packets[6] = packets[6], packets[5]

    assert pcm(play(receiver, [*packets])) == undamaged[: 10 * FRAME * 2]


def test_what_is_not_redundant_audio_is_counted_and_harms_nothing(
    receiver: AudioReceiver,
) -> None:
    packets: list[RtpPacket | None] = [*stream(TONE[:20])]
    packets[10] = RtpPacket(RED, 10, 10 * TICKS, 1, b"\xef\x0f")

    frames = play(receiver, packets)

    assert receiver.counts.malformed == 1
    assert len(pcm(frames)) == 20 * FRAME * 2
