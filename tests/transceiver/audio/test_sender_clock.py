import pytest
from hypothesis import given
from hypothesis import strategies as st

from transceiver.audio.sender_clock import SenderClock

RATES = [(48000, 8000), (48000, 16000), (48000, 24000), (8000, 8000), (8000, 16000), (8000, 24000)]


@given(
    rates=st.sampled_from(RATES),
    start=st.integers(0, 2**32 - 1),
    gaps=st.lists(st.integers(0, 100_000), max_size=50),
)
def test_time_is_exact_whatever_the_gaps(
    rates: tuple[int, int], start: int, gaps: list[int]
) -> None:
    clock_rate, rate = rates
    clock = SenderClock(clock_rate, rate)
    frame = rate // 50
    assert clock.jump(start) == 0
    clock.advance(frame)
    timestamp, samples = start + clock_rate // 50, frame
    for gap in gaps:
        timestamp += gap
        samples += clock.jump(timestamp & 0xFFFFFFFF) + frame
        clock.advance(frame)
        timestamp += clock_rate // 50
        assert samples == (timestamp - start) * rate // clock_rate


def test_a_clock_that_goes_back_goes_on_from_there() -> None:
    clock = SenderClock(48000, 24000)
    clock.jump(1_000_000)
    clock.advance(480)
    assert clock.is_past(1_000_000)
    assert clock.jump(1_000_000) == 0
    assert not clock.is_past(1_000_000)
    assert clock.jump(1_000_960) == 480


@pytest.mark.parametrize("samples", [1, 7, 160])
def test_packets_of_parts_of_ticks_add_up(samples: int) -> None:
    """No codec sends them, but a rate that the clock does not divide would bring them."""
    clock = SenderClock(8000, 12000)
    clock.jump(0)
    for _ in range(3000):
        clock.advance(samples)
    assert clock.jump(3000 * samples * 2 // 3 + 8) == 12


@pytest.mark.parametrize("early", [0, 1])
def test_samples_that_no_tick_falls_on_do_not_add_up(early: int) -> None:
    """Packets of 10 ms at 22.05 kHz: 220 and 221 samples in turn, or 221 first."""
    clock = SenderClock(48000, 22050)
    given = 0
    for packet in range(1000):
        given += clock.jump(480 * packet)
        assert clock.jump(480 * packet) == 0
        samples = 220 + (packet + early) % 2
        clock.advance(samples)
        given += samples
    assert given == 220500
