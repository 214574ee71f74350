import struct

import pytest

from transceiver.sctp_guard import SctpError, check_packet

HEADER = bytes(12)


def chunk(kind: int, value: bytes) -> bytes:
    laid = struct.pack(">BBH", kind, 0, 4 + len(value)) + value
    return laid + bytes(-len(laid) % 4)


def sack(*gaps: tuple[int, int]) -> bytes:
    blocks = b"".join(struct.pack(">HH", *gap) for gap in gaps)
    return chunk(3, struct.pack(">LLHH", 1, 1 << 20, len(gaps), 0) + blocks)


def check(*chunks: bytes, outstanding: int = 10) -> None:
    check_packet(HEADER + b"".join(chunks), outstanding)


def test_what_clients_send_passes() -> None:
    check()
    check(chunk(0, bytes(30)), sack(), chunk(10, b"any cookie"))
    check(sack((1, 1), (3, 11)))
    check(chunk(1, bytes(16) + struct.pack(">HHL", 0x8008, 6, 0xC0820000)))
    check(chunk(4, struct.pack(">HH", 1, 9) + b"hello" + bytes(3)))
    check(chunk(77, b"of a type that nobody knows"))


@pytest.mark.parametrize("gaps", [[(1, 65535)] * 300, [(1, 6), (8, 12)], [(5, 4)], [(9, 0)]])
def test_a_sack_of_more_than_was_sent_is_refused(gaps: list[tuple[int, int]]) -> None:
    with pytest.raises(SctpError):
        check(chunk(0, bytes(30)), sack(*gaps))


@pytest.mark.parametrize("length", [0, 1, 3])
@pytest.mark.parametrize("kind", [1, 2, 4, 5, 6, 9, 130])
def test_a_parameter_shorter_than_its_header_is_refused(kind: int, length: int) -> None:
    fixed = bytes(16) if kind in (1, 2) else b""
    parameters = struct.pack(">HHL", 1, 8, 0) + struct.pack(">HH", 1, length)
    with pytest.raises(SctpError, match="parameter"):
        check(chunk(0, bytes(30)), chunk(kind, fixed + parameters))


@pytest.mark.parametrize("length", [0, 3, 9])
def test_a_chunk_of_another_length_than_it_says_is_refused(length: int) -> None:
    with pytest.raises(SctpError, match="chunk"):
        check(struct.pack(">BBH", 0, 0, length) + bytes(4))
