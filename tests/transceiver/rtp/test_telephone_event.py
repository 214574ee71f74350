"""Presses of keys, as phones repeat them in packets."""

import random

from hypothesis import given
from hypothesis import strategies as st

from transceiver.rtp.packet import RtpPacket
from transceiver.rtp.telephone_event import KEYS, TelephoneEvents

END = 0x80


def packet(
    key: str, timestamp: int, duration: int, *, end: bool = False, ssrc: int = 1
) -> RtpPacket:
    payload = bytes([KEYS.index(key), END * end | 10]) + duration.to_bytes(2, "big")
    return RtpPacket(101, 0, timestamp % (1 << 32), ssrc, payload)


def press(key: str, timestamp: int, *, packets: int = 5) -> list[RtpPacket]:
    """As RFC 4733 has it: every 50 ms, the last three times."""
    going = [packet(key, timestamp, 400 * count) for count in range(1, packets)]
    return going + [packet(key, timestamp, 400 * packets, end=True)] * 3


def heard(packets: list[RtpPacket]) -> str:
    events = TelephoneEvents()
    return "".join(key for each in packets if (key := events.receive(each)) is not None)


def test_each_press_is_heard_once() -> None:
    packets = [each for at, key in enumerate("0123456789*#ABCD") for each in press(key, at * 8000)]
    assert heard(packets) == "0123456789*#ABCD"


def test_the_same_key_twice_is_two_presses() -> None:
    assert heard(press("5", 1000) + press("5", 4000)) == "55"


@given(st.text(st.sampled_from(KEYS), max_size=20), st.integers(0, 2**32 - 1), st.randoms())
def test_any_one_packet_of_a_press_suffices(keys: str, start: int, chance: random.Random) -> None:
    presses = [press(key, start + 4000 * at) for at, key in enumerate(keys)]
    kept = [
        [each for each in packets if chance.random() < 0.3] or [chance.choice(packets)]
        for packets in presses
    ]
    assert heard([each for packets in kept for each in packets]) == keys


@given(st.text(st.sampled_from(KEYS), max_size=20), st.randoms())
def test_late_and_repeated_packets_are_no_presses(keys: str, chance: random.Random) -> None:
    packets = [each for at, key in enumerate(keys) for each in press(key, 4000 * at)]
    first = {packet.timestamp for packet in packets}
    packets += chance.choices(packets, k=10) if packets else []
    in_order = sorted(packets, key=lambda each: each.timestamp + chance.uniform(0, 3999))
    assert len(first) == len(heard(in_order)) == len(keys)


def test_a_long_press_goes_on_under_another_timestamp() -> None:
    first = [packet("7", 0, duration) for duration in (400, 30000, 0xFFFF)]
    second = [packet("7", 0xFFFF, duration) for duration in (400, 800)]
    assert heard(first + second + [packet("7", 0xFFFF, 1200, end=True)] * 3) == "7"


def test_a_sender_that_moves_the_timestamp_presses_once() -> None:
    packets = [packet("3", 160 * count, 160 * (count + 1)) for count in range(10)]
    assert heard([*packets, *press("3", 8000)]) == "33"


def test_another_stream_begins_anew() -> None:
    assert heard([packet("1", 90000, 400), packet("1", 100, 400, ssrc=2)]) == "11"


def test_a_clock_that_began_anew_is_no_late_packet() -> None:
    assert heard([packet("1", 10_000_000, 400), packet("2", 100, 400)]) == "12"


def test_other_events_and_what_is_none_are_passed_over() -> None:
    flash = RtpPacket(101, 0, 0, 1, bytes([16, 10, 1, 144]))
    cut = RtpPacket(101, 0, 0, 1, b"\x01\x0a\x00")
    assert heard([flash, cut, *press("9", 8000)]) == "9"
