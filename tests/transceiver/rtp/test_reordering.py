import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transceiver.rtp.packet import RtpPacket
from transceiver.rtp.reordering import (
    FORMER_SOURCE_S,
    MAX_DROPOUT,
    MAX_HELD,
    MAX_HELD_PADDING,
    MAX_WAIT_S,
    Arrival,
    Reordering,
    ReorderingDrop,
)


def packet(index: int, ssrc: int = 1) -> RtpPacket:
    """The packet at a place of an endless stream, its numbers wrapped."""
    return RtpPacket(111, index & 0xFFFF, index * 960 & 0xFFFFFFFF, ssrc, b"%d" % index)


def indexes(arrivals: list[Arrival]) -> list[int]:
    return [int(arrival.packet.payload) for arrival in arrivals]


def started(first: int = 100) -> Reordering:
    reordering = Reordering()
    (arrival,) = reordering.receive(packet(first), 0.0)
    assert arrival.restarted
    return reordering


def test_packets_in_order_are_delivered_at_once() -> None:
    reordering = started(100)
    for index in range(101, 200):
        (arrival,) = reordering.receive(packet(index), 0.0)
        assert arrival == Arrival(packet(index), waited_s=0.0)


def test_a_gap_that_fills_in_time_costs_only_the_wait() -> None:
    reordering = started(100)
    assert reordering.receive(packet(102), 1.000) == []
    assert reordering.receive(packet(103), 1.010) == []
    arrivals = reordering.receive(packet(101), 1.015)
    assert indexes(arrivals) == [101, 102, 103]
    assert [arrival.lost for arrival in arrivals] == [0, 0, 0]
    assert [arrival.waited_s for arrival in arrivals] == pytest.approx([0.0, 0.015, 0.005])
    assert reordering.counts.lost == 0


def test_a_gap_is_given_up_when_its_time_is_over() -> None:
    reordering = started(100)
    reordering.receive(packet(102), 1.0)
    assert reordering.tick(1.0 + MAX_WAIT_S - 0.001) == []
    (arrival,) = reordering.tick(1.0 + MAX_WAIT_S + 0.001)
    assert arrival.lost == 1
    assert arrival.waited_s == pytest.approx(MAX_WAIT_S + 0.001)
    assert indexes(reordering.receive(packet(103), 1.05)) == [103]
    assert reordering.counts.lost == 1


def test_a_gap_is_given_up_when_enough_packets_wait_behind_it() -> None:
    reordering = started(100)
    assert reordering.receive(packet(103), 0.0) == []
    assert reordering.receive(packet(104), 0.0) == []
    arrivals = reordering.receive(packet(105), 0.0)
    assert indexes(arrivals) == [103, 104, 105]
    assert [arrival.lost for arrival in arrivals] == [2, 0, 0]


def test_a_second_gap_gets_a_wait_of_its_own() -> None:
    reordering = started(100)
    reordering.receive(packet(102), 0.000)
    reordering.receive(packet(104), 0.030)
    assert indexes(reordering.tick(0.041)) == [102]
    assert reordering.tick(0.065) == []
    assert indexes(reordering.tick(0.071)) == [104]
    assert reordering.counts.lost == 2


def test_a_late_packet_is_dropped() -> None:
    reordering = started(100)
    reordering.receive(packet(102), 0.0)
    reordering.tick(1.0)
    assert reordering.receive(packet(101), 1.0) == []
    assert reordering.receive(packet(102), 1.0) == []
    assert reordering.counts.drops == {ReorderingDrop.LATE: 2}


def test_a_duplicate_of_a_waiting_packet_is_dropped() -> None:
    reordering = started(100)
    reordering.receive(packet(102), 0.0)
    assert reordering.receive(packet(102), 0.0) == []
    assert reordering.counts.drops == {ReorderingDrop.DUPLICATE: 1}
    assert indexes(reordering.receive(packet(101), 0.0)) == [101, 102]


def test_sequence_numbers_wrap() -> None:
    reordering = started(65533)
    order = [65534, 65536, 65535, 65538, 65537, 65539]
    arrivals = [a for index in order for a in reordering.receive(packet(index), 0.0)]
    assert indexes(arrivals) == list(range(65534, 65540))


def test_an_outage_is_one_gap_whatever_its_length() -> None:
    reordering = started(100)
    reordering.receive(packet(100 + MAX_DROPOUT), 60.0)
    (arrival,) = reordering.tick(61.0)
    assert arrival.lost == MAX_DROPOUT - 1
    assert not arrival.restarted


def test_a_big_jump_restarts_the_stream() -> None:
    reordering = started(100)
    reordering.receive(packet(102), 0.0)
    arrivals = reordering.receive(packet(30000), 0.0)
    assert indexes(arrivals) == [102, 30000]
    assert [arrival.restarted for arrival in arrivals] == [False, True]
    assert indexes(reordering.receive(packet(30001), 0.0)) == [30001]


def test_another_ssrc_restarts_the_stream_and_its_stragglers_are_dropped() -> None:
    reordering = started(100)
    (first,) = reordering.receive(packet(5, ssrc=2), 1.0)
    assert first.restarted
    assert reordering.receive(packet(101, ssrc=1), 1.1) == []
    assert reordering.counts.drops == {ReorderingDrop.FORMER_SOURCE: 1}
    assert indexes(reordering.receive(packet(6, ssrc=2), 1.1)) == [6]

    (returned,) = reordering.receive(packet(200, ssrc=1), 1.0 + FORMER_SOURCE_S)
    assert returned.restarted


@given(st.integers(0, 0xFFFF), st.lists(st.permutations(range(MAX_HELD)), max_size=20))
def test_any_order_within_the_window_comes_out_in_order_exactly_once(
    first: int, groups: list[list[int]]
) -> None:
    reordering = started(first)
    order = [
        first + 1 + number * MAX_HELD + place
        for number, group in enumerate(groups)
        for place in group
    ]
    arrivals = [a for index in order for a in reordering.receive(packet(index), 0.0)]
    assert indexes(arrivals) == sorted(order)
    assert all(arrival.lost == 0 for arrival in arrivals)
    assert reordering.counts.drops == {}


@given(st.data())
def test_whatever_the_network_does_order_and_count_hold(data: st.DataObject) -> None:
    """Loss, duplication and displacement at random; time passes at 20 ms a packet."""
    chance = random.Random(data.draw(st.integers(0, 2**32)))
    loss, duplication = chance.choice([0.0, 0.1, 0.5]), chance.choice([0.0, 0.2])
    sent = [
        (index * 0.02 + chance.random() * chance.choice([0.0, 0.02, 0.2]), index)
        for index in range(65500, 65600)
        for _ in range(2 if chance.random() < duplication else 1)
        if chance.random() >= loss
    ]
    reordering = started(65499)
    arrivals: list[Arrival] = []
    for now, index in sorted(sent):
        arrivals += reordering.tick(now)
        arrivals += reordering.receive(packet(index), now)
        assert reordering.held < MAX_HELD
    arrivals += reordering.tick(1e6)

    places = indexes(arrivals)
    assert all(earlier < later for earlier, later in itertools.pairwise(places))
    for previous, arrival in zip([65499, *places], arrivals, strict=False):
        assert arrival.lost == int(arrival.packet.payload) - previous - 1
    assert reordering.held == 0
    assert reordering.counts.lost == (places[-1] - 65499 - len(places) if places else 0)


def padding(index: int) -> RtpPacket:
    return packet(index)._replace(payload=b"")


def test_a_burst_of_padding_does_not_give_up_what_comes_after_it() -> None:
    reordering = started(100)
    for index in range(102, 102 + MAX_HELD_PADDING - 2):
        assert reordering.receive(padding(index), 1.0) == []
    released = reordering.receive(packet(101), 1.01)
    assert released[0].packet == packet(101)
    assert len(released) == MAX_HELD_PADDING - 1
    assert reordering.counts.lost == 0


def test_what_is_held_is_bounded_whatever_it_is() -> None:
    reordering = started(100)
    for index in range(102, 2000):
        reordering.receive(padding(index), 1.0)
        assert reordering.held < MAX_HELD_PADDING
    assert reordering.counts.lost == 1
