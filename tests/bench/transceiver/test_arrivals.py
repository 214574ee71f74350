import struct

import pytest

from bench.transceiver.arrivals import Arrivals

FRAME_NS = 20_000_000


def packet(sequence: int, timestamp: int) -> bytes:
    return struct.pack(">BBHII", 0x80, 111, sequence % (1 << 16), timestamp % (1 << 32), 1) + b"x"


def arrivals(frames: dict[int, int], *, sequence: int = 0, timestamp: int = 0) -> Arrivals:
    """Of frames by number, with their delay in ns; sequence and timestamp are frame 0's."""
    made = Arrivals()
    made.start()
    for frame, delay_ns in frames.items():
        coded = packet(sequence + frame, timestamp + 960 * frame)
        made.note(coded, 10**18 + FRAME_NS * frame + delay_ns)
    return made


def test_lateness_is_relative_to_the_promptest_packet() -> None:
    late = arrivals({0: 5_000_000, 1: 3_000_000, 2: 4_000_000}).lateness_seconds()
    assert late == pytest.approx([0.002, 0.0, 0.001], abs=1e-9)


def test_silence_between_frames_makes_none_late() -> None:
    assert arrivals({0: 0, 50: 0, 51: 1_000_000}).lateness_seconds() == pytest.approx(
        [0, 0, 0.001], abs=1e-9
    )


def test_counters_wrap() -> None:
    wrapping = arrivals({0: 0, 1: 0, 2: 2_000_000}, sequence=65535, timestamp=(1 << 32) - 960)
    assert wrapping.lateness_seconds() == pytest.approx([0, 0, 0.002], abs=1e-9)
    assert wrapping.lost == 0


def test_missing_sequence_numbers_are_lost() -> None:
    assert arrivals({0: 0, 1: 0, 4: 0, 3: 0}, sequence=65534).lost == 1


def test_what_came_before_recording_is_only_counted() -> None:
    made = Arrivals()
    made.note(packet(1, 0), 17)
    assert (len(made), made.received, made.first_ns) == (0, 1, 17)
    assert made.lateness_seconds() == []
    assert made.lost == 0


def test_a_second_recording_forgets_the_first() -> None:
    made = arrivals({0: 0, 5: 0})
    made.start()
    made.note(packet(6, 6 * 960), 1)
    assert (len(made), made.lost) == (1, 0)
