import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.callers.stream_check import StreamCheck
from loadtest.measures.measures import Measures
from loadtest.measures.names import Count, Latency

RATE = 48_000
TICKS = 960


class Stream:
    """Frames on a grid of 20 ms, and what a check makes of them."""

    def __init__(self, first: int = 65_500, origin: int = (1 << 32) - 5000) -> None:
        self.measures = Measures()
        self.check = StreamCheck(self.measures, clock_rate=RATE, on_schedule_s=0.02)
        self._first, self._origin = first, origin

    def receive(self, number: int, late_s: float = 0.0) -> bool:
        return self.check.received(
            self._first + number & 0xFFFF,
            self._origin + number * TICKS & 0xFFFFFFFF,
            1000.0 + number * 0.02 + late_s,
        )

    def drop(self, number: int) -> None:
        self.check.dropped(self._first + number & 0xFFFF)


def test_a_whole_stream_is_all_on_schedule() -> None:
    stream = Stream()
    for number in range(200):
        assert stream.receive(number)
        if number % 50 == 49:
            stream.check.settle()

    noted = stream.measures.take(0)
    assert noted.counts == {Count.FRAMES_RECEIVED: 200, Count.FRAMES_ON_SCHEDULE: 200}
    assert noted.latencies[Latency.FRAME_LATENESS].count == 200
    assert noted.latencies[Latency.FRAME_LATENESS].maximum == pytest.approx(0, abs=1e-5)


def test_tells_how_late_frames_are() -> None:
    stream = Stream()
    for number in range(100):
        stream.receive(number, 1.0 - (number - 50) * 0.02 if 50 <= number < 100 else 0.0)
    stream.check.settle()

    noted = stream.measures.take(0)
    assert noted.counts[Count.FRAMES_ON_SCHEDULE] == 51
    assert noted.latencies[Latency.FRAME_LATENESS].maximum == pytest.approx(1.0, rel=0.002)


@pytest.mark.parametrize(("hung_up_at", "skipped"), [(3.5, 0), (5.0, 100)])
def test_frames_that_came_no_more_are_skipped(hung_up_at: float, skipped: int) -> None:
    measures = Measures()
    check = StreamCheck(measures, clock_rate=RATE, on_schedule_s=0.02, frame_ticks=TICKS)
    for number in range(151):
        check.received(number, number * TICKS, number * 0.02)
    check.end(hung_up_at)
    assert measures.take(0).counts.get(Count.FRAMES_SKIPPED, 0) == skipped


def test_a_clock_that_drifts_is_no_lateness() -> None:
    stream = Stream()
    for number in range(50 * 600):
        stream.receive(number, number * 0.02 * 50e-6)
        if number % 50 == 49:
            stream.check.settle()

    lateness = stream.measures.take(0).latencies[Latency.FRAME_LATENESS]
    assert lateness.maximum is not None
    assert lateness.maximum < 0.004


def test_what_is_missing_for_a_second_is_lost() -> None:
    stream = Stream()
    for number in (0, 1, 4, 5):
        stream.receive(number)
    stream.check.settle()
    stream.receive(2)
    stream.check.settle(final=True)

    counts = stream.measures.take(0).counts
    assert (counts[Count.FRAMES_LOST], counts[Count.FRAMES_REORDERED]) == (1, 1)
    assert counts[Count.FRAMES_RECEIVED] == 5


def test_what_is_lost_is_counted_once() -> None:
    stream = Stream()
    for number in (0, 1, 4, 5):
        stream.receive(number)
    for final in (False, True, False, True):
        stream.check.settle(final=final)

    assert stream.measures.take(0).counts[Count.FRAMES_LOST] == 2


def test_what_came_twice_is_told() -> None:
    stream = Stream()
    assert [stream.receive(number) for number in (0, 1, 1)] == [True, True, False]
    stream.check.settle(final=True)

    counts = stream.measures.take(0).counts
    assert (counts[Count.FRAMES_RECEIVED], counts[Count.FRAMES_DUPLICATED]) == (2, 1)


def test_what_was_dropped_on_purpose_is_not_lost() -> None:
    stream = Stream()
    for number in range(10):
        if number in (3, 4):
            stream.drop(number)
        else:
            stream.receive(number)
    stream.check.settle(final=True)

    counts = stream.measures.take(0).counts
    assert counts[Count.FRAMES_RECEIVED] == 8
    assert Count.FRAMES_LOST not in counts


def test_what_was_dropped_ahead_of_others_puts_none_out_of_order() -> None:
    stream = Stream()
    stream.drop(0)
    for number in range(1, 200):
        if (number + 3) % 10 == 0:
            stream.drop(number + 3)
        if number % 10 != 0:
            stream.receive(number)
        if number % 50 == 49:
            stream.check.settle()
    stream.check.settle(final=True)

    counts = stream.measures.take(0).counts
    assert counts == {Count.FRAMES_RECEIVED: 180, Count.FRAMES_ON_SCHEDULE: 180}


@given(seed=st.integers(0, 999), kept=st.floats(0.5, 1.0))
def test_every_frame_is_received_or_lost(seed: int, kept: float) -> None:
    chance, stream = random.Random(seed), Stream()
    sent = [0, *(each for each in range(1, 299) if chance.random() < kept), 299]
    order = sorted(sent, key=lambda each: each + (chance.uniform(0, 3) if 0 < each < 299 else 0))
    for number in order:
        stream.receive(number)
    stream.check.settle(final=True)

    counts = stream.measures.take(0).counts
    assert counts[Count.FRAMES_RECEIVED] == len(sent)
    assert counts.get(Count.FRAMES_LOST, 0) == 300 - len(sent)
    assert Count.FRAMES_DUPLICATED not in counts


def unbroken(frames: list[int], dropped: tuple[int, ...] = ()) -> dict[Count, int]:
    """What a stream without pauses counts: sequence numbers go on where frames were skipped."""
    measures = Measures()
    check = StreamCheck(measures, clock_rate=RATE, on_schedule_s=0.02, frame_ticks=TICKS)
    for sequence, frame in enumerate(frames):
        if sequence in dropped:
            check.dropped(sequence)
        else:
            check.received(sequence, 10_000 + frame * TICKS, 1000.0 + frame * 0.02)
        if sequence % 50 == 49:
            check.settle()
    check.settle(final=True)
    return dict(measures.take(0).counts)


def test_what_a_server_never_sent_was_skipped() -> None:
    frames = [*range(120), *range(160, 300)]
    counts = unbroken(frames)
    assert (counts[Count.FRAMES_SKIPPED], counts[Count.FRAMES_RECEIVED]) == (40, 260)
    assert counts[Count.FRAMES_ON_SCHEDULE] == 260
    assert Count.FRAMES_LOST not in counts


def test_nothing_was_skipped_of_a_whole_stream() -> None:
    assert Count.FRAMES_SKIPPED not in unbroken(list(range(300)))
    assert Count.FRAMES_SKIPPED not in unbroken(list(range(300)), dropped=(70, 71, 149, 150))


def test_a_jump_of_the_clock_is_no_skipped_frame() -> None:
    assert Count.FRAMES_SKIPPED not in unbroken([*range(100), *range(100_000, 100_100)])
