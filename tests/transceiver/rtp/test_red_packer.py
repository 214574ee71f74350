from hypothesis import given
from hypothesis import strategies as st

from transceiver.rtp.packet import RtpPacket
from transceiver.rtp.red import MAX_BLOCK_BYTES, MAX_OFFSET, RedBlock, parse_red, unpack_red
from transceiver.rtp.red_packer import RedPacker

OPUS, RED, TICKS = 111, 63, 960


def test_a_packet_repeats_the_frames_before_its_own() -> None:
    packer = RedPacker(OPUS, TICKS)
    packed = [parse_red(packer.pack(frame, 2)) for frame in (b"a", b"bb", b"ccc", b"dddd")]
    assert packed == [
        [RedBlock(OPUS, 0, b"a")],
        [RedBlock(OPUS, 960, b"a"), RedBlock(OPUS, 0, b"bb")],
        [RedBlock(OPUS, 1920, b"a"), RedBlock(OPUS, 960, b"bb"), RedBlock(OPUS, 0, b"ccc")],
        [RedBlock(OPUS, 1920, b"bb"), RedBlock(OPUS, 960, b"ccc"), RedBlock(OPUS, 0, b"dddd")],
    ]


def test_the_bytes_are_those_that_chromium_sends() -> None:
    """One redundant block of payload type 111, 960 ticks back: RFC 2198 section 4's layout."""
    packer = RedPacker(OPUS, TICKS)
    packer.pack(b"old", 1)
    assert packer.pack(b"new!", 1) == bytes.fromhex("ef0f0003 6f") + b"oldnew!"


def test_after_an_interruption_nothing_from_before_it_is_repeated() -> None:
    packer = RedPacker(OPUS, TICKS)
    packer.pack(b"before", 1)
    packer.interrupt()
    assert parse_red(packer.pack(b"after", 1)) == [RedBlock(OPUS, 0, b"after")]


def test_a_frame_too_long_for_its_header_is_left_out_with_those_before_it() -> None:
    packer = RedPacker(OPUS, TICKS)
    packer.pack(b"first", 2)
    packer.pack(bytes(MAX_BLOCK_BYTES + 1), 2)
    assert parse_red(packer.pack(b"third", 2)) == [RedBlock(OPUS, 0, b"third")]
    assert len(parse_red(packer.pack(b"fourth", 2))) == 2


def test_no_offset_exceeds_its_14_bits() -> None:
    packer = RedPacker(OPUS, 6000)
    offsets = [
        block.timestamp_offset for _ in range(5) for block in parse_red(packer.pack(b"frame", 4))
    ]
    assert max(offsets) == 12000
    assert max(offsets) <= MAX_OFFSET


sizes = st.sampled_from([1, 80, MAX_BLOCK_BYTES, MAX_BLOCK_BYTES + 1, 1275])


@given(
    st.sampled_from([480, 960, 1920, 2880]),
    st.lists(st.tuples(st.none() | sizes, st.integers(0, 2)), max_size=30),
)
def test_what_is_unpacked_are_the_frames_as_they_were_sent(
    ticks: int, steps: list[tuple[int | None, int]]
) -> None:
    """A step is a frame's length, or None for an interruption, and how many to repeat."""
    packer = RedPacker(OPUS, ticks)
    sent: dict[int, RtpPacket] = {}
    timestamp = 0
    for size, blocks in steps:
        timestamp += ticks
        if size is None:
            packer.interrupt()
            continue
        sequence = len(sent)
        frame = sequence.to_bytes(2, "big").ljust(size, b"f")
        sent[sequence] = RtpPacket(OPUS, sequence, timestamp, 1, frame)
        payload = packer.pack(frame, blocks)
        unpacked = unpack_red(RtpPacket(RED, sequence, timestamp, 1, payload))
        assert len(unpacked) <= blocks + 1
        assert unpacked == [sent[packet.sequence] for packet in unpacked]
