import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transceiver.rtp.packet import RtpPacket
from transceiver.rtp.reception import MAX_DROPOUT, Reception
from transceiver.rtp.rtcp import ReportBlock

CLOCK_RATE = 48000
TIMESTAMPS = 1 << 32


def packet(sequence: int, timestamp: int | None = None) -> RtpPacket:
    ticks = sequence * 960 if timestamp is None else timestamp
    return RtpPacket(111, sequence & 0xFFFF, ticks % TIMESTAMPS, 2, b"")


def received(*sequences: int) -> Reception:
    first, *others = sequences
    reception = Reception(packet(first), 0.0, clock_rate=CLOCK_RATE)
    for sequence in others:
        assert reception.receive(packet(sequence), 0.0)
    return reception


def report(reception: Reception, now: float = 0.0) -> ReportBlock:
    block = reception.take_report(now)
    assert block is not None
    return block


def test_losses_are_counted_in_total_and_since_the_last_report() -> None:
    reception = received(10, 11, 13, 14, 12, 16, 17, 19)
    block = report(reception)
    assert (block.packets_lost, block.fraction_lost) == (2, 2 * 256 // 10)
    assert block.highest_sequence == 19

    for sequence in range(20, 30):
        reception.receive(packet(sequence), 0.0)
    block = report(reception)
    assert (block.packets_lost, block.fraction_lost) == (2, 0)


def test_what_comes_after_its_report_lowers_the_total_and_not_below_a_fraction_of_zero() -> None:
    reception = received(10, 12)
    assert report(reception).fraction_lost == 256 // 3
    reception.receive(packet(11), 0.0)
    block = report(reception)
    assert (block.packets_lost, block.fraction_lost) == (0, 0)


def test_duplicates_make_losses_negative_but_not_the_fraction() -> None:
    block = report(received(1, 2, 2, 2))
    assert (block.packets_lost, block.fraction_lost) == (-2, 0)


def test_the_highest_sequence_counts_wraps() -> None:
    block = report(received(65534, 65535, 65536, 65537))
    assert (block.highest_sequence, block.packets_lost) == (65537, 0)


@pytest.mark.parametrize("ahead", [MAX_DROPOUT, 30000, -MAX_DROPOUT])
def test_a_sender_that_starts_over_is_another_stream(ahead: int) -> None:
    reception = received(10000)
    assert not reception.receive(packet(10000 + ahead), 0.0)
    assert reception.received == 1


def test_another_ssrc_is_another_stream() -> None:
    assert not received(10).receive(packet(11)._replace(ssrc=3), 0.0)


def test_there_is_no_report_when_nothing_came() -> None:
    reception = received(1)
    report(reception)
    assert reception.take_report(1.0) is None


def test_the_last_sender_report_and_its_age_are_told() -> None:
    reception = received(1)
    assert report(reception)[-2:] == (0, 0)
    reception.receive(packet(2), 0.0)
    reception.sender_report = (0xABCD0123, 1.0)
    assert report(reception, 3.5)[-2:] == (0xABCD0123, 5 << 15)


@pytest.mark.parametrize("clock_rate", [48000, 8000])
def test_jitter_is_in_ticks_of_the_streams_clock(clock_rate: int) -> None:
    ticks = clock_rate // 50
    reception = Reception(packet(1, ticks), 0.020, clock_rate=clock_rate)
    reception.receive(packet(2, 2 * ticks), 0.040)
    assert report(reception).jitter == 0
    reception.receive(packet(3, 3 * ticks), 0.060 + 0.010)
    assert report(reception).jitter == clock_rate // 100 // 16


@given(st.integers(0, TIMESTAMPS - 1), st.integers(0, 2**32))
def test_jitter_is_the_estimate_of_the_rfc_over_any_wrap(start: int, seed: int) -> None:
    """Against the formula of RFC 3550 section 6.4.1, in unbounded integers."""
    draw = random.Random(seed)
    arrivals = [1e5 + 0.02 * number + draw.uniform(0, 0.05) for number in range(40)]
    reception = Reception(packet(0, start), arrivals[0], clock_rate=CLOCK_RATE)
    expected = 0.0
    for number in range(1, 40):
        reception.receive(packet(number, start + 960 * number), arrivals[number])
        spacing = (arrivals[number] - arrivals[number - 1]) * CLOCK_RATE
        expected += (abs(spacing - 960) - expected) / 16
    assert report(reception).jitter == pytest.approx(expected, abs=1)


def test_timestamps_that_tell_no_time_are_no_jitter() -> None:
    reception = Reception(packet(0), 0.0, clock_rate=CLOCK_RATE)
    for sequence in range(1, 30):
        pressed = 10 <= sequence < 20
        sent = packet(sequence, 960 * 10 if pressed else None)
        assert reception.receive(sent, sequence * 0.02, timed=not pressed)
    block = report(reception)
    assert (block.jitter, block.packets_lost) == (0, 0)
