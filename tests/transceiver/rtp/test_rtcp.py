"""Against aiortc's codec, which shares no code with ours."""

import struct

import pytest
from aiortc import rtp
from hypothesis import given
from hypothesis import strategies as st

from transceiver.rtp.rtcp import (
    MAX_PACKETS_LOST,
    MIN_PACKETS_LOST,
    Goodbye,
    Report,
    ReportBlock,
    RtcpError,
    SenderInfo,
    encode_name,
    encode_report,
    parse_rtcp,
)

words = st.integers(0, 0xFFFFFFFF)
infos = st.builds(SenderInfo, st.integers(0, (1 << 64) - 1), words, words, words)
blocks = st.builds(
    ReportBlock,
    words,
    st.integers(0, 255),
    st.integers(MIN_PACKETS_LOST, MAX_PACKETS_LOST),
    words,
    words,
    words,
    words,
)
reports = st.builds(Report, words, st.none() | infos, st.lists(blocks, max_size=31))

FEEDBACK = bytes(rtp.RtcpRtpfbPacket(fmt=15, ssrc=2, media_ssrc=1))
EXTENDED = struct.pack(">BBHI", 0x80, 207, 1, 2)


@given(reports)
def test_what_is_written_is_read_again_by_us_and_by_aiortc(report: Report) -> None:
    encoded = encode_report(report)
    assert parse_rtcp(encoded) == [report]
    (theirs,) = rtp.RtcpPacket.parse(encoded)
    if report.sender_info is None:
        assert isinstance(theirs, rtp.RtcpRrPacket)
    else:
        assert isinstance(theirs, rtp.RtcpSrPacket)
        assert theirs.sender_info == rtp.RtcpSenderInfo(*report.sender_info)
    assert theirs.ssrc == report.ssrc
    assert theirs.reports == [rtp.RtcpReceiverInfo(*block) for block in report.blocks]
    assert bytes(theirs) == encoded


@given(words, st.binary(min_size=1, max_size=255))
def test_names_of_any_length_are_read_by_aiortc(ssrc: int, name: bytes) -> None:
    assert rtp.RtcpPacket.parse(encode_name(ssrc, name)) == [
        rtp.RtcpSdesPacket([rtp.RtcpSourceInfo(ssrc, [(1, name)])])
    ]


@given(st.lists(words, max_size=31))
def test_goodbyes_name_streams(ssrcs: list[int]) -> None:
    assert parse_rtcp(bytes(rtp.RtcpByePacket(ssrcs))) == [Goodbye(ssrcs)]


def test_other_packets_are_stepped_over_in_any_order() -> None:
    report = Report(1, None, [])
    compound = FEEDBACK + encode_report(report) + encode_name(1, b"name") + EXTENDED
    assert parse_rtcp(compound) == [report]
    assert parse_rtcp(EXTENDED) == []


def test_padding_at_the_end_of_the_last_packet_is_read_over() -> None:
    padded = bytearray(encode_report(Report(7, None, [])) + bytes([0, 0, 0, 4]))
    padded[0] |= 0x20
    padded[3] += 1
    assert parse_rtcp(FEEDBACK + bytes(padded)) == [Report(7, None, [])]


@pytest.mark.parametrize(
    "compound",
    [
        b"",
        b"\x80\xc9\x00",
        b"\x40\xc9\x00\x01\x00\x00\x00\x00",
        b"\x80\xc9\x00\x02\x00\x00\x00\x00",
        b"\x81\xc9\x00\x01\x00\x00\x00\x00",
        b"\x80\xc9\x00\x00",
        b"\x80\xc8\x00\x05" + bytes(20),
        b"\x81\xcb\x00\x00",
        b"\x80\xc9\x00\x01\x00\x00\x00\x00\x80",
    ],
    ids=[
        "nothing",
        "short header",
        "version",
        "beyond the datagram",
        "fewer blocks than counted",
        "no SSRC",
        "sender info cut off",
        "fewer goodbyes than counted",
        "stray bytes",
    ],
)
def test_what_is_not_rtcp_is_refused(compound: bytes) -> None:
    with pytest.raises(RtcpError):
        parse_rtcp(compound)


@given(reports, st.data())
def test_a_cut_compound_is_refused_or_a_shorter_compound(
    report: Report, data: st.DataObject
) -> None:
    encoded = encode_report(report)
    compound = encoded + encode_name(1, b"name")
    cut = compound[: data.draw(st.integers(0, len(compound) - 1))]
    try:
        assert parse_rtcp(cut) == [report]
    except RtcpError:
        return
    assert len(cut) == len(encoded)
