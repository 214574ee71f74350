"""The forms are RFC 8285's; vectors that are not marked otherwise are written from its diagrams."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transceiver.rtp.header_extensions import audio_level, element, transport_sequence
from transceiver.rtp.packet import RtpPacket

CHROMIUM = bytes.fromhex("bede0003 10a2 22d5f41c 310042 400000")
"""One-byte form: audio level in 1, send time in 2, transport sequence in 3, and mid in 4."""


def one_byte(elements: list[tuple[int, bytes]]) -> bytes:
    body = b"".join(bytes([i << 4 | len(data) - 1]) + data for i, data in elements)
    return framed(0xBEDE, body)


def two_byte(elements: list[tuple[int, bytes]], application_bits: int = 0) -> bytes:
    body = b"".join(bytes([i, len(data)]) + data for i, data in elements)
    return framed(0x1000 | application_bits, body)


def framed(profile: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    return struct.pack(">HH", profile, len(body) // 4) + body


def elements(most: int, longest: int, shortest: int) -> st.SearchStrategy[list[tuple[int, bytes]]]:
    return st.dictionaries(
        st.integers(1, most), st.binary(min_size=shortest, max_size=longest), max_size=6
    ).map(lambda found: list(found.items()))


def test_the_elements_of_chromium_are_found() -> None:
    assert audio_level(CHROMIUM, 1) == (True, 34)
    assert transport_sequence(CHROMIUM, 3) == 0x0042
    assert element(CHROMIUM, 4) == b"\0"
    assert element(CHROMIUM, 5) is None


def test_the_level_tells_voice_from_other_sound() -> None:
    assert audio_level(one_byte([(1, b"\x7f")]), 1) == (False, 127)
    assert audio_level(one_byte([(1, b"\xff")]), 1) == (True, 127)
    assert audio_level(one_byte([(1, b"\x80")]), 1) == (True, 0)


@given(elements(14, 16, 1), st.integers(1, 14))
def test_one_byte_elements_are_found_by_their_id(
    written: list[tuple[int, bytes]], identifier: int
) -> None:
    assert element(one_byte(written), identifier) == dict(written).get(identifier)


@given(elements(255, 40, 0), st.integers(1, 255), st.integers(0, 15))
def test_two_byte_elements_are_found_by_their_id(
    written: list[tuple[int, bytes]], identifier: int, application_bits: int
) -> None:
    found = element(two_byte(written, application_bits), identifier)
    assert found == dict(written).get(identifier)


@pytest.mark.parametrize("extension", ["bede0001 000010a2", "10000001 000101a2"])
def test_an_element_may_stand_behind_padding(extension: str) -> None:
    assert audio_level(bytes.fromhex(extension), 1) == (True, 34)


@pytest.mark.parametrize(
    ("extension", "why"),
    [
        ("", "none"),
        ("bede0000", "no element"),
        ("bede0001 00000000", "padding alone"),
        ("bede0001 f010a200", "the reserved ID 15 ends it"),
        ("bede0001 0310a200", "padding with a length ends it"),
        ("bede0001 0000001f", "the element is cut off"),
        ("bede0001 00000010", "its data is cut off"),
        ("bede0001 11a2a200", "a level of two bytes"),
        ("10000001 00000001", "two-byte form, the length is cut off"),
        ("10000001 00000101", "two-byte form, the data is cut off"),
        ("10000001 01000000", "two-byte form, a level of no bytes"),
        ("abcd0001 10a20000", "a profile that is neither form"),
        ("10100001 0101a200", "a profile that is almost the two-byte form"),
    ],
)
def test_what_is_malformed_reads_as_absent(extension: str, why: str) -> None:
    assert audio_level(bytes.fromhex(extension), 1) is None, why


@given(st.sampled_from([0xBEDE, 0x1000, 0x100F]), st.binary(max_size=64))
def test_no_extension_fails_its_packet(profile: int, body: bytes) -> None:
    extension = framed(profile, body)
    packet = RtpPacket.parse(RtpPacket(111, 1, 2, 3, b"opus", extension=extension).encode())
    assert packet.payload == b"opus"
    for identifier in range(1, 15):
        audio_level(packet.extension, identifier)
        transport_sequence(packet.extension, identifier)


@given(st.binary(max_size=64), st.integers(1, 255))
def test_any_bytes_can_be_searched(extension: bytes, identifier: int) -> None:
    found = element(extension, identifier)
    assert found is None or found in extension
