"""Held to messages that libwebrtc wrote, and to a decoder written from the draft."""

import struct
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transceiver.rtp.packet import RtpPacket
from transceiver.rtp.transport_feedback import (
    FEEDBACK_INTERVAL_S,
    MAX_ARRIVALS,
    MAX_JUMP,
    TransportFeedback,
)

ID = 3
TICK_S = 0.00025
REFERENCE_S = 0.064


@dataclass(frozen=True)
class Message:
    own_ssrc: int
    media_ssrc: int
    base: int
    count: int
    messages: int
    arrivals: dict[int, float]
    """Time in seconds of each packet that was received, by its place after `base`."""


def decode(packet: bytes) -> Message:
    """As draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1 says, bit by bit."""
    first, kind, words, own, media, base, count, time = struct.unpack_from(">BBHIIHHI", packet)
    assert (first & 0xDF, kind, 4 * words + 4) == (0x80 | 15, 205, len(packet))
    end = len(packet) - (packet[-1] if first & 0x20 else 0)
    at, symbols = 20, ""
    while len(symbols) < count:
        chunk = f"{struct.unpack_from('>H', packet, at)[0]:016b}"
        at += 2
        if chunk[0] == "0":
            symbols += str(int(chunk[1:3], 2)) * int(chunk[3:], 2)
        elif chunk[1] == "0":
            symbols += chunk[2:]
        else:
            symbols += "".join(str(int(chunk[i : i + 2], 2)) for i in range(2, 16, 2))
    ticks = (time >> 8) * 256
    arrivals = {}
    for place, symbol in enumerate(symbols[:count]):
        if symbol in "12":
            form = ">B" if symbol == "1" else ">h"
            ticks += struct.unpack_from(form, packet, at)[0]
            at += struct.calcsize(form)
            arrivals[place] = ticks * TICK_S
    assert at == end
    assert end + -end % 4 == len(packet)
    return Message(own, media, base, count, time & 0xFF, arrivals)


# Captured from libwebrtc, as Pion's rtcp/transport_layer_cc_test.go has them (v1.2.10,
# example1 and example4), with the times that it reads from them.
CAPTURED = [
    (
        "afcd0005 fa17fa17 43032fa0 00990001 3de80217 20019401",
        153,
        4057090,
        [37000],
    ),
    (
        "afcd0007 fa17fa17 193dd8bb 00040007 10636e01 20074c24 24100c0c 10000003",
        4,
        1074030,
        [19000, 9000, 9000, 4000, 3000, 3000, 4000],
    ),
]


@pytest.mark.parametrize(("captured", "base", "reference", "deltas_us"), CAPTURED)
def test_tells_what_libwebrtc_would(
    captured: str, base: int, reference: int, deltas_us: list[int]
) -> None:
    message = bytes.fromhex(captured)
    own, media = struct.unpack_from(">II", message, 4)
    feedback = TransportFeedback(own, ID)
    now = reference * REFERENCE_S
    for place, delta_us in enumerate(deltas_us):
        now += delta_us / 1e6
        feedback.receive(numbered(base + place, media), now)
    ours = feedback.due(now + FEEDBACK_INTERVAL_S)
    assert ours is not None
    without_count = bytes([*ours[:19], message[19], *ours[20:]])
    assert without_count == message


@pytest.mark.parametrize(("captured", "base", "reference", "deltas_us"), CAPTURED)
def test_the_decoder_reads_libwebrtc(
    captured: str, base: int, reference: int, deltas_us: list[int]
) -> None:
    message = decode(bytes.fromhex(captured))
    now = reference * REFERENCE_S
    assert (message.base, message.count) == (base, len(deltas_us))
    for place, delta_us in enumerate(deltas_us):
        now += delta_us / 1e6
        assert message.arrivals[place] == pytest.approx(now, abs=1e-6)


def numbered(number: int, ssrc: int = 7) -> RtpPacket:
    element = struct.pack(">BHx", ID << 4 | 1, number & 0xFFFF)
    return RtpPacket(111, 0, 0, ssrc, b"opus", extension=b"\xbe\xde\0\1" + element)


def told(arrivals: list[tuple[int, float]]) -> Message:
    feedback = TransportFeedback(1, ID)
    for number, now in arrivals:
        feedback.receive(numbered(number), now)
    message = feedback.due(arrivals[-1][1] + FEEDBACK_INTERVAL_S)
    assert message is not None
    return decode(message)


@given(
    first=st.integers(0, 0xFFFF),
    start=st.floats(0, 1e7),
    steps=st.lists(
        st.tuples(st.integers(1, 60) | st.just(1), st.floats(0, 0.2) | st.just(0.02)),
        min_size=1,
        max_size=120,
    ),
    swaps=st.lists(st.integers(1, 119), max_size=5),
)
def test_all_arrivals_are_told(
    first: int, start: float, steps: list[tuple[int, float]], swaps: list[int]
) -> None:
    numbers, times = [first], [start]
    for ahead, later in steps:
        if numbers[-1] + ahead - first < MAX_JUMP:
            numbers.append(numbers[-1] + ahead)
            times.append(times[-1] + later)
    for place in swaps:
        if place + 1 < len(numbers):
            numbers[place], numbers[place + 1] = numbers[place + 1], numbers[place]
    message = told(list(zip(numbers, times, strict=True)))
    assert message.base == first
    assert message.count == max(numbers) - first + 1
    by_place = {number - first: time for number, time in zip(numbers, times, strict=True)}
    assert message.arrivals.keys() == by_place.keys()
    for place, time in message.arrivals.items():
        expected = by_place[place] % (REFERENCE_S * (1 << 24))
        assert time == pytest.approx(expected, abs=TICK_S)


def test_says_nothing_before_it_is_due_nor_without_new_packets() -> None:
    feedback = TransportFeedback(1, ID)
    assert feedback.due(0.0) is None
    feedback.receive(RtpPacket(111, 0, 0, 7, b"opus"), 0.0)
    assert feedback.due(1.0) is None
    feedback.receive(numbered(1), 1.0)
    assert feedback.due(1.0 + 0.9 * FEEDBACK_INTERVAL_S) is None
    assert feedback.due(1.0 + FEEDBACK_INTERVAL_S) is not None
    assert feedback.due(2.0) is None


def test_messages_follow_each_other() -> None:
    feedback = TransportFeedback(5, ID)
    messages = []
    for number in range(0xFFF8, 0x10030):
        now = 10 + number * 0.02
        feedback.receive(numbered(number, ssrc=9), now)
        message = feedback.due(now)
        if message is not None:
            messages.append(decode(message))
    assert [(each.own_ssrc, each.media_ssrc) for each in messages] == [(5, 9)] * len(messages)
    assert [each.messages for each in messages] == list(range(len(messages)))
    covered = [each.base + place & 0xFFFF for each in messages for place in sorted(each.arrivals)]
    assert covered == [0xFFF8 + place & 0xFFFF for place in range(len(covered))]
    assert len(covered) > 30


def test_packets_lost_between_two_messages_are_told_as_lost() -> None:
    feedback = TransportFeedback(1, ID)
    feedback.receive(numbered(10), 0.0)
    assert feedback.due(FEEDBACK_INTERVAL_S) is not None
    feedback.receive(numbered(13), 1.0)
    message = decode(feedback.due(2.0) or b"")
    assert (message.base, message.count, [*message.arrivals]) == (11, 3, [2])


def test_a_late_packet_is_told_with_what_was_sent_after_it() -> None:
    feedback = TransportFeedback(1, ID)
    for number in (10, 12, 13):
        feedback.receive(numbered(number), number * 0.02)
    assert feedback.due(0.46) is not None
    feedback.receive(numbered(11), 0.47)
    message = decode(feedback.due(0.68) or b"")
    assert (message.base, message.count) == (11, 3)
    assert message.arrivals == pytest.approx({0: 0.47, 1: 0.24, 2: 0.26}, abs=TICK_S)
    feedback.receive(numbered(14), 0.7)
    assert decode(feedback.due(1.0) or b"").base == 14


def test_what_came_before_the_first_packet_and_arrives_after_it_is_told() -> None:
    message = told([(0, 0.0), (0xFFFF, 0.01)])
    assert (message.base, message.count, len(message.arrivals)) == (0xFFFF, 2, 2)


def test_a_duplicate_keeps_the_time_of_the_first() -> None:
    message = told([(10, 1.0), (11, 1.02), (10, 1.05)])
    assert message.arrivals == pytest.approx({0: 1.0, 1: 1.02}, abs=TICK_S)


def test_a_pause_longer_than_a_delta_can_tell_is_told_as_the_longest() -> None:
    feedback = TransportFeedback(1, ID)
    feedback.receive(numbered(10), 0.0)
    feedback.receive(numbered(12), 0.0)
    assert feedback.due(FEEDBACK_INTERVAL_S) is not None
    feedback.receive(numbered(11), 100.0)
    message = decode(feedback.due(101.0) or b"")
    assert message.arrivals == pytest.approx({0: 100.0, 1: 100.0 - 0x7FFF * TICK_S}, abs=TICK_S)


@pytest.mark.parametrize("jump", [MAX_JUMP + 1, 30000, -MAX_JUMP - 1])
def test_a_sender_that_starts_over_gets_a_new_account(jump: int) -> None:
    message = told([(40000, 1.0), (40000 + jump, 1.02), (40001 + jump, 1.04)])
    assert (message.base, message.count) == ((40000 + jump) & 0xFFFF, 2)


@given(st.lists(st.tuples(st.integers(0, 0xFFFF), st.floats(0, 0.01)), max_size=600))
def test_no_flood_makes_a_message_that_exceeds_a_datagram(
    arrivals: list[tuple[int, float]],
) -> None:
    feedback = TransportFeedback(1, ID)
    now = 0.0
    for number, later in arrivals:
        now += later
        feedback.receive(numbered(number), now)
        message = feedback.due(now)
        if message is not None:
            assert len(message) <= 1200
            assert len(decode(message).arrivals) <= MAX_ARRIVALS


def test_a_flood_counts_as_lost_beyond_what_is_kept() -> None:
    message = told([(number, 1.0) for number in range(3 * MAX_ARRIVALS)])
    assert message.count == len(message.arrivals) == MAX_ARRIVALS
