import pytest
from hypothesis import given
from hypothesis import strategies as st

from transceiver.rtp.packet import RtpPacket
from transceiver.rtp.red import (
    MAX_BLOCK_BYTES,
    MAX_BLOCKS,
    MAX_OFFSET,
    RedBlock,
    RedError,
    encode_red,
    parse_red,
    read_primary,
    unpack_red,
)

OPUS, RED = 111, 63

# The layout of https://www.rfc-editor.org/rfc/rfc2198#section-4: one redundant block.
ONE_REDUNDANT = bytes.fromhex("ef0f0003 6f") + b"oldnew!"

redundant = st.builds(
    RedBlock,
    st.integers(0, 127),
    st.integers(0, MAX_OFFSET),
    st.binary(max_size=MAX_BLOCK_BYTES),
)
primary = st.builds(RedBlock, st.integers(0, 127), st.just(0), st.binary(max_size=1500))


def packet(payload: bytes, *, sequence: int = 10, timestamp: int = 9600) -> RtpPacket:
    return RtpPacket(RED, sequence, timestamp, 0xDEADBEEF, payload, marker=True)


def test_reads_the_layout_of_the_rfc() -> None:
    assert parse_red(ONE_REDUNDANT) == [RedBlock(OPUS, 960, b"old"), RedBlock(OPUS, 0, b"new!")]
    assert encode_red(parse_red(ONE_REDUNDANT)) == ONE_REDUNDANT


def test_a_primary_block_alone() -> None:
    assert parse_red(b"\x6fframe") == [RedBlock(OPUS, 0, b"frame")]


@given(st.lists(redundant, max_size=MAX_BLOCKS), primary)
def test_round_trip(blocks: list[RedBlock], last: RedBlock) -> None:
    assert parse_red(encode_red([*blocks, last])) == [*blocks, last]


@given(st.lists(redundant, min_size=1, max_size=3), primary, st.data())
def test_a_cut_payload_is_refused_or_loses_only_of_its_primary(
    blocks: list[RedBlock], last: RedBlock, data: st.DataObject
) -> None:
    whole = encode_red([*blocks, last])
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    try:
        parsed = parse_red(cut)
    except RedError:
        return
    assert parsed[:-1] == blocks
    assert last.payload.startswith(parsed[-1].payload)


@given(st.binary(min_size=1, max_size=200) | st.builds(encode_red, st.tuples(redundant, primary)))
def test_any_bytes_are_read_or_refused(payload: bytes) -> None:
    try:
        blocks = parse_red(payload)
    except RedError:
        with pytest.raises(RedError):
            read_primary(payload)
        return
    assert read_primary(payload) == (blocks[-1].payload_type, blocks[-1].payload)
    assert sum(len(block.payload) for block in blocks) < len(payload)


def test_refuses_endless_headers() -> None:
    endless = bytes.fromhex("ef0f0000") * (MAX_BLOCKS + 1) + b"\x6f"
    for read in (parse_red, read_primary):
        with pytest.raises(RedError, match="too many"):
            read(endless)


@pytest.mark.parametrize(
    "block",
    [RedBlock(OPUS, MAX_OFFSET + 1, b""), RedBlock(OPUS, 960, bytes(MAX_BLOCK_BYTES + 1))],
    ids=["offset", "length"],
)
def test_what_does_not_fit_its_field_is_not_written(block: RedBlock) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        encode_red([block, RedBlock(OPUS, 0, b"")])


def test_unpacks_the_packets_that_it_stands_for() -> None:
    assert unpack_red(packet(ONE_REDUNDANT, sequence=0, timestamp=480)) == [
        RtpPacket(OPUS, 0xFFFF, 0xFFFFFFFF - 479, 0xDEADBEEF, b"old"),
        RtpPacket(OPUS, 0, 480, 0xDEADBEEF, b"new!", marker=True),
    ]


def test_the_header_extension_is_that_of_its_own_frame() -> None:
    extended = packet(ONE_REDUNDANT)._replace(extension=bytes.fromhex("bede0001 10a20000"))
    repeated, own = unpack_red(extended)
    assert (repeated.extension, own.extension) == (b"", extended.extension)


def test_a_padding_packet_keeps_its_place() -> None:
    assert unpack_red(packet(b"")) == [packet(b"")]
