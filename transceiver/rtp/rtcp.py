"""RTCP packets on the wire: the reports and goodbyes of a voice stream.

https://www.rfc-editor.org/rfc/rfc3550#section-6.4

 0                   1                   2                   3
 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
|V=2|P|  count  |  packet type  |  length in words, without this|
|                             SSRC                              |
|                        NTP timestamp                          |   sender report
|                       (its lower half)                        |
|                        RTP timestamp                          |
|                  packets sent, then octets                    |
+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
|                             SSRC                              |   each report block
| fraction lost |               packets lost                    |
|                  extended highest sequence                    |
|                            jitter                             |
|                 last sender report, then its delay            |
"""

import struct
from typing import NamedTuple

MAX_PACKETS_LOST = (1 << 23) - 1
MIN_PACKETS_LOST = -(1 << 23)

_HEADER = struct.Struct(">BBH")
_WORD = struct.Struct(">I")
_SENDER_INFO = struct.Struct(">QIII")
_REPORT_BLOCK = struct.Struct(">IIIIII")
_VERSION_2 = 0x80
_COUNT = 0x1F
_SENDER_REPORT, _RECEIVER_REPORT, _SOURCE_DESCRIPTION, _GOODBYE = 200, 201, 202, 203
_CNAME = 1


class RtcpError(ValueError):
    """Not RTCP."""


class SenderInfo(NamedTuple):
    ntp_timestamp: int
    """64 bits: seconds since 1900, and 2^-32ths."""
    rtp_timestamp: int
    packets: int
    octets: int


class ReportBlock(NamedTuple):
    """How a stream is received."""

    ssrc: int
    """Of the stream."""
    fraction_lost: int
    """In 256ths, since the report before."""
    packets_lost: int
    """Signed: duplicates count against losses."""
    highest_sequence: int
    """Received so far, extended by the number of wraps."""
    jitter: int
    """In ticks of the stream's clock."""
    last_sender_report: int
    """The middle 32 bits of its NTP timestamp; 0 for none."""
    delay: int
    """From that sender report to this block, in 65536ths of a second."""


class Report(NamedTuple):
    """A sender report where there is sender info, else a receiver report."""

    ssrc: int
    sender_info: SenderInfo | None
    blocks: list[ReportBlock]


class Goodbye(NamedTuple):
    """Streams that ended."""

    ssrcs: list[int]


def parse_rtcp(compound: bytes) -> list[Report | Goodbye]:
    """What is in the packets that we use; others are stepped over.

    A compound may be reduced to any one packet: https://www.rfc-editor.org/rfc/rfc5506.
    Raises RtcpError.
    """
    parsed: list[Report | Goodbye] = []
    start, size = 0, len(compound)
    while True:
        if start + 4 > size:
            raise RtcpError("a header is cut off")
        first, packet_type, words = _HEADER.unpack_from(compound, start)
        if first & 0xC0 != _VERSION_2:
            raise RtcpError("not version 2")
        end = start + 4 + 4 * words
        if end > size:
            raise RtcpError("a packet is longer than its datagram")
        if packet_type in (_RECEIVER_REPORT, _SENDER_REPORT):
            parsed.append(_report(compound, start, end))
        elif packet_type == _GOODBYE:
            parsed.append(_goodbye(compound, start, end))
        if end == size:
            return parsed
        start = end


def encode_report(report: Report) -> bytes:
    """Numbers must fit their fields."""
    body = _WORD.pack(report.ssrc)
    if report.sender_info is not None:
        body += _SENDER_INFO.pack(*report.sender_info)
    for block in report.blocks:
        lost = block.fraction_lost << 24 | block.packets_lost & 0xFFFFFF
        body += _REPORT_BLOCK.pack(block.ssrc, lost, *block[3:])
    packet_type = _RECEIVER_REPORT if report.sender_info is None else _SENDER_REPORT
    return _packet(packet_type, len(report.blocks), body)


def encode_name(ssrc: int, cname: bytes) -> bytes:
    """A source description with the canonical name alone, of at most 255 bytes."""
    item = bytes([_CNAME, len(cname)]) + cname
    # One to four null bytes end the list of items, at a whole word.
    return _packet(_SOURCE_DESCRIPTION, 1, _WORD.pack(ssrc) + item + bytes(4 - len(item) % 4))


def _packet(packet_type: int, count: int, body: bytes) -> bytes:
    return _HEADER.pack(_VERSION_2 | count, packet_type, len(body) // 4) + body


def _report(compound: bytes, start: int, end: int) -> Report:
    count, is_sender = compound[start] & _COUNT, compound[start + 1] == _SENDER_REPORT
    blocks_start = start + 8 + (_SENDER_INFO.size if is_sender else 0)
    if blocks_start + count * _REPORT_BLOCK.size > end:
        raise RtcpError("a report is cut off")
    (ssrc,) = _WORD.unpack_from(compound, start + 4)
    info = SenderInfo(*_SENDER_INFO.unpack_from(compound, start + 8)) if is_sender else None
    blocks = [
        _report_block(*_REPORT_BLOCK.unpack_from(compound, at))
        for at in range(blocks_start, blocks_start + count * _REPORT_BLOCK.size, _REPORT_BLOCK.size)
    ]
    return Report(ssrc, info, blocks)


def _report_block(
    ssrc: int, lost: int, highest: int, jitter: int, last_sender_report: int, delay: int
) -> ReportBlock:
    packets_lost = (lost & 0xFFFFFF ^ 0x800000) - 0x800000
    return ReportBlock(ssrc, lost >> 24, packets_lost, highest, jitter, last_sender_report, delay)


def _goodbye(compound: bytes, start: int, end: int) -> Goodbye:
    count = compound[start] & _COUNT
    if start + 4 + 4 * count > end:
        raise RtcpError("a goodbye is cut off")
    return Goodbye(list(struct.unpack_from(f">{count}I", compound, start + 4)))
