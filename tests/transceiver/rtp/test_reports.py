import struct

import pytest
from aiortc import rtp
from hypothesis import given
from hypothesis import strategies as st

from transceiver.rtp.packet import RtpPacket
from transceiver.rtp.reports import REPORT_INTERVAL_S, RtcpSession
from transceiver.rtp.rtcp import RtcpError
from transceiver.rtp.sender import RtpSender

EPOCH_S = 3_900_000_000.0


def make_session(ssrc: int = 1, random: float = 0.5) -> tuple[RtcpSession, RtpSender]:
    sender = RtpSender(payload_type=111, ssrc=ssrc, sequence=0, timestamp=0)
    session = RtcpSession(sender, cname="antiphon", epoch_s=EPOCH_S, random=lambda: random)
    return session, sender


def packet(sequence: int, ssrc: int = 2, timestamp: int | None = None) -> RtpPacket:
    ticks = sequence * 960 if timestamp is None else timestamp
    return RtpPacket(111, sequence & 0xFFFF, ticks & 0xFFFFFFFF, ssrc, b"")


def reception(session: RtcpSession, now: float = 0.0) -> rtp.RtcpReceiverInfo:
    first = rtp.RtcpPacket.parse(session.report(now))[0]
    assert isinstance(first, rtp.RtcpSrPacket | rtp.RtcpRrPacket)
    (report,) = first.reports
    return report


def test_before_anything_is_sent_the_report_is_a_receiver_report_with_our_name() -> None:
    session, _ = make_session()
    first, second = rtp.RtcpPacket.parse(session.report(1.0))
    assert first == rtp.RtcpRrPacket(ssrc=1, reports=[])
    assert second == rtp.RtcpSdesPacket([rtp.RtcpSourceInfo(1, [(1, b"antiphon")])])


def test_a_sender_report_tells_the_time_and_what_was_sent() -> None:
    session, sender = make_session()
    for _ in range(3):
        sender.send(b"opus")
    first = rtp.RtcpPacket.parse(session.report(100.25))[0]
    assert isinstance(first, rtp.RtcpSrPacket)
    assert first.sender_info == rtp.RtcpSenderInfo(
        ntp_timestamp=int((EPOCH_S + 100.25) * 2**32),
        rtp_timestamp=3 * 960,
        packet_count=3,
        octet_count=12,
    )


def test_reports_are_due_at_random_intervals_around_the_mean() -> None:
    for random, expected in (0.0, 0.5), (0.5, 1.0), (1.0, 1.5):
        session, _ = make_session(random=random)
        assert session.tick(10.0) is None
        assert session.tick(10.0 + REPORT_INTERVAL_S * expected - 0.01) is None
        assert session.tick(10.0 + REPORT_INTERVAL_S * expected + 0.01) is not None
        assert session.tick(10.0 + REPORT_INTERVAL_S * expected + 0.02) is None


def test_an_incoming_stream_is_reported_until_nothing_more_of_it_comes() -> None:
    session, _ = make_session()
    for sequence in (10, 11, 13):
        session.receive_rtp(packet(sequence), 0.0)
    report = reception(session)
    assert (report.ssrc, report.packets_lost, report.highest_sequence) == (2, 1, 13)
    (silent, _name) = rtp.RtcpPacket.parse(session.report(2.5))
    assert silent == rtp.RtcpRrPacket(ssrc=1, reports=[])
    session.receive_rtp(packet(14), 5.0)
    assert reception(session).packets_lost == 1


def test_another_ssrc_and_a_restarted_sequence_begin_an_account_of_their_own() -> None:
    session, _ = make_session()
    session.receive_rtp(packet(10), 0.0)
    session.receive_rtp(packet(30000), 0.0)
    assert reception(session).packets_lost == 0
    session.receive_rtp(packet(5, ssrc=3), 0.0)
    assert reception(session).ssrc == 3


def test_sender_reports_stop_when_two_pass_without_a_packet_of_ours() -> None:
    session, sender = make_session()
    kinds = []
    for _ in range(4):
        kinds.append(type(rtp.RtcpPacket.parse(session.report(0.0))[0]))
        if len(kinds) == 1:
            sender.send(b"opus")
    assert kinds == [rtp.RtcpRrPacket, rtp.RtcpSrPacket, rtp.RtcpSrPacket, rtp.RtcpRrPacket]


def test_a_goodbye_ends_the_stream_and_the_next_packet_begins_another() -> None:
    session, _ = make_session()
    for sequence in (1, 5):
        session.receive_rtp(packet(sequence), 0.0)
    session.receive(bytes(rtp.RtcpByePacket([9])), 0.0)
    assert reception(session).packets_lost == 3
    session.receive_rtp(packet(6), 0.0)
    session.receive(bytes(rtp.RtcpByePacket([9, 2])), 0.0)
    assert rtp.RtcpPacket.parse(session.report(0.0))[0] == rtp.RtcpRrPacket(ssrc=1, reports=[])
    session.receive_rtp(packet(7), 0.0)
    assert reception(session).packets_lost == 0


def test_two_sessions_measure_the_round_trip() -> None:
    ours, our_sender = make_session(ssrc=1)
    theirs, _ = make_session(ssrc=2)
    theirs.receive_rtp(packet(1, ssrc=1), 0.0)
    assert ours.rtt is None

    our_sender.send(b"opus")
    theirs.receive(ours.report(10.00), 10.03)
    ours.receive(theirs.report(11.03), 11.06)
    assert ours.rtt == pytest.approx(0.06, abs=0.001)
    assert ours.remote is not None
    assert ours.remote.packets_lost == 0


def test_the_peers_report_tells_its_losses_and_jitter() -> None:
    ours, _ = make_session(ssrc=1)
    info = rtp.RtcpReceiverInfo(
        ssrc=1,
        fraction_lost=64,
        packets_lost=7,
        highest_sequence=0,
        jitter=480,
        lsr=0,
        dlsr=0,
    )
    other = rtp.RtcpReceiverInfo(9, 255, 99, 0, 0, 0, 0)
    latest = ours.receive(bytes(rtp.RtcpRrPacket(ssrc=2, reports=[info, other])), 0.0)
    assert ours.remote is not None
    assert latest == ours.remote
    assert ours.remote.fraction_lost == 0.25
    assert ours.remote.packets_lost == 7
    assert ours.remote.jitter_s == pytest.approx(0.01)
    assert ours.remote.rtt_s is None


def test_a_delay_that_exceeds_the_time_passed_reads_as_no_delay() -> None:
    ours, sender = make_session(ssrc=1)
    sender.send(b"opus")
    middle = int((EPOCH_S + 10.0) * 65536) & 0xFFFFFFFF
    info = rtp.RtcpReceiverInfo(1, 0, 0, 0, 0, lsr=middle, dlsr=65536 * 5)
    ours.receive(bytes(rtp.RtcpRrPacket(ssrc=2, reports=[info])), 11.0)
    assert ours.rtt == 0.0


def receiver_report(highest_sequence: int) -> bytes:
    info = rtp.RtcpReceiverInfo(1, 0, 0, highest_sequence, 0, 0, 0)
    return bytes(rtp.RtcpRrPacket(ssrc=2, reports=[info]))


def test_a_report_tells_how_many_packets_it_covers() -> None:
    sender = RtpSender(payload_type=111, ssrc=1, sequence=65530, timestamp=0)
    ours = RtcpSession(sender, cname="antiphon", epoch_s=EPOCH_S, random=lambda: 0.5)
    for _ in range(300):
        sender.send(b"opus")
    covered = []
    for highest in (65530, 65535 + 100, 65535 + 100, 65535 + 250, 7, 1 << 30):
        report = ours.receive(receiver_report(highest), 0.0)
        assert report is not None
        covered.append(report.packets_expected)
    # The last two are of a receiver that counts anew, and of one that cannot count.
    assert covered == [1, 105, 0, 150, 0, 300]


def test_a_report_without_a_word_on_our_stream_is_none() -> None:
    ours, _ = make_session(ssrc=1)
    other = rtp.RtcpReceiverInfo(9, 255, 99, 0, 0, 0, 0)
    assert ours.receive(bytes(rtp.RtcpRrPacket(ssrc=2, reports=[other])), 0.0) is None
    assert ours.remote is None


def test_other_packets_of_a_compound_are_passed_over() -> None:
    ours, _ = make_session(ssrc=1)
    feedback = rtp.RtcpRtpfbPacket(fmt=15, ssrc=2, media_ssrc=1)
    extended = struct.pack(">BBHI", 0x80, 207, 1, 2)
    ours.receive(bytes(rtp.RtcpRrPacket(ssrc=2)) + bytes(feedback) + extended, 0.0)
    assert ours.remote is None


@given(st.binary(max_size=120))
def test_any_bytes_are_taken_or_raise_the_documented_error(body: bytes) -> None:
    ours, _ = make_session(ssrc=1)
    for compound in body, b"\x81\xc9" + body, b"\x81\xc8" + body, b"\x81\xcd" + body:
        try:
            ours.receive(compound, 0.0)
        except RtcpError:
            continue
