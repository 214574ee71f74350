"""Redundant audio: each packet brings the frames of earlier ones along.

https://www.rfc-editor.org/rfc/rfc2198#section-3

 0                   1                   2                   3
 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
|1|  block PT   |  timestamp offset         |   block length    |   each redundant block
|0|  block PT   |                                                   the primary block, last
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from transceiver.rtp.packet import RtpPacket

MAX_BLOCKS = 8
"""Redundant blocks of one packet that are read; browsers send one or two."""

MAX_OFFSET = (1 << 14) - 1
MAX_BLOCK_BYTES = (1 << 10) - 1

_FOLLOWED = 0x80
_REDUNDANT_HEADER_BYTES = 4
_MAX_HEADERS_BYTES = _REDUNDANT_HEADER_BYTES * MAX_BLOCKS


class RedError(ValueError):
    """Not a redundant audio payload."""


@dataclass(frozen=True, slots=True)
class RedBlock:
    """One frame; the primary's offset is 0."""

    payload_type: int
    timestamp_offset: int
    """How many ticks before the packet's timestamp the frame lies."""
    payload: bytes


def parse_red(payload: bytes) -> list[RedBlock]:
    """The blocks in the order of time, the primary last. Raises RedError."""
    headers, at = _headers(payload)
    blocks = []
    for payload_type, offset, size in headers[:-1]:
        blocks.append(RedBlock(payload_type, offset, payload[at : at + size]))
        at += size
    if at > len(payload):
        raise RedError("a block ends after the payload")
    blocks.append(RedBlock(headers[-1][0], 0, payload[at:]))
    return blocks


def encode_red(blocks: Sequence[RedBlock]) -> bytes:
    """Raises ValueError when an offset or a length does not fit its field."""
    *redundant, primary = blocks
    headers = bytearray()
    for block in redundant:
        if not 0 <= block.timestamp_offset <= MAX_OFFSET:
            raise ValueError("the timestamp offset does not fit 14 bits")
        if len(block.payload) > MAX_BLOCK_BYTES:
            raise ValueError("the block's length does not fit 10 bits")
        headers.append(_FOLLOWED | block.payload_type)
        headers += (block.timestamp_offset << 10 | len(block.payload)).to_bytes(3, "big")
    headers.append(primary.payload_type)
    return bytes(headers) + b"".join(block.payload for block in blocks)


def unpack_red(packet: RtpPacket) -> list[RtpPacket]:
    """The packets that a redundant one stands for, its own frame's last. Raises RedError.

    A block repeats the packet that was sent just before the next block's: its sequence
    number is told by its place. Marker and header extension belong to its own frame. An
    empty payload, which only probes for bandwidth, stands for a packet without a frame.
    """
    if not packet.payload:
        return [packet]
    *earlier, own = parse_red(packet.payload)
    repeated = [
        RtpPacket(
            payload_type=block.payload_type,
            sequence=(packet.sequence - len(earlier) + place) & 0xFFFF,
            timestamp=(packet.timestamp - block.timestamp_offset) & 0xFFFFFFFF,
            ssrc=packet.ssrc,
            payload=block.payload,
        )
        for place, block in enumerate(earlier)
    ]
    return [*repeated, packet._replace(payload_type=own.payload_type, payload=own.payload)]


def read_primary(payload: bytes) -> tuple[int, bytes]:
    """Payload type and frame of the last block alone, for less. Raises RedError."""
    at = redundant = 0
    try:
        while payload[at] & _FOLLOWED and at <= _MAX_HEADERS_BYTES:
            redundant += (payload[at + 2] & 0x03) << 8 | payload[at + 3]
            at += _REDUNDANT_HEADER_BYTES
        payload_type = payload[at]
    except IndexError:
        raise RedError("the headers are cut off") from None
    start = at + 1 + redundant
    if at > _MAX_HEADERS_BYTES or start > len(payload):
        raise RedError("too many blocks, or one ends after the payload")
    return payload_type, payload[start:]


def _headers(payload: bytes) -> tuple[list[tuple[int, int, int]], int]:
    """Payload type, offset and length of each block, and where the first block starts."""
    headers = list(_read_headers(payload))
    return headers, _REDUNDANT_HEADER_BYTES * (len(headers) - 1) + 1


def _read_headers(payload: bytes) -> Iterator[tuple[int, int, int]]:
    for at in range(0, _MAX_HEADERS_BYTES + 1, _REDUNDANT_HEADER_BYTES):
        if at >= len(payload):
            raise RedError("the headers are cut off")
        payload_type = payload[at] & 0x7F
        if not payload[at] & _FOLLOWED:
            yield payload_type, 0, 0
            return
        if at + _REDUNDANT_HEADER_BYTES > len(payload):
            raise RedError("the headers are cut off")
        word = int.from_bytes(payload[at + 1 : at + _REDUNDANT_HEADER_BYTES], "big")
        yield payload_type, word >> 10, word & MAX_BLOCK_BYTES
    raise RedError("too many blocks")
