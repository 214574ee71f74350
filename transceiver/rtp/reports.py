"""RTCP of one voice stream each way: what we report, and what the peer reports of us.

https://www.rfc-editor.org/rfc/rfc3550#section-6
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from aiortc import rtp

from transceiver.rtp.packet import RtpPacket
from transceiver.audio.opus import CLOCK_RATE
from transceiver.rtp.sender import RtpSender

REPORT_INTERVAL_S = 2.5
"""Mean time between reports; each is 0.5 to 1.5 times as long (RFC 3550 section 6.2)."""

_SDES_CNAME = 1
_NTP_SECOND = 1 << 32
_SEQUENCES = 1 << 16
_MAX_DROPOUT = 3000


class RtcpError(ValueError):
    """Not a compound RTCP packet."""


@dataclass(frozen=True, slots=True)
class ReceptionReport:
    """How the peer receives our stream, by its latest report."""

    fraction_lost: float
    """From 0 to 1, since its report before."""
    packets_lost: int
    jitter_s: float
    rtt_s: float | None
    """Round trip time; None until it has seen a sender report of ours."""


class ReceptionStatistics:
    """What we count of one SSRC, as RFC 3550 appendix A.3 and A.8 lay down."""

    def __init__(self, packet: RtpPacket) -> None:
        self.ssrc = packet.ssrc
        self._base = packet.sequence
        self._highest = packet.sequence
        self._received = 0
        self._expected_prior = 0
        self._received_prior = 0
        self._transit: int | None = None
        self._jitter = 0.0

    @property
    def highest_sequence(self) -> int:
        """Extended by the number of wraps, 32 bits."""
        return self._highest & 0xFFFFFFFF

    @property
    def jitter(self) -> int:
        """In RTP timestamp units."""
        return int(self._jitter)

    @property
    def packets_lost(self) -> int:
        """Below zero when duplicates outnumber losses."""
        return self._expected - self._received

    @property
    def _expected(self) -> int:
        return self._highest - self._base + 1

    def continues_with(self, packet: RtpPacket) -> bool:
        """False for another SSRC or a sender that started over: they need a new account."""
        ahead = (packet.sequence - self._highest) % _SEQUENCES
        near = ahead < _MAX_DROPOUT or ahead > _SEQUENCES - _MAX_DROPOUT
        return packet.ssrc == self.ssrc and near

    def receive(self, packet: RtpPacket, now: float) -> None:
        """Count a packet that continues the stream, in the order of arrival."""
        ahead = (packet.sequence - self._highest) % _SEQUENCES
        if ahead < _MAX_DROPOUT:
            self._highest += ahead
        self._received += 1
        self._estimate_jitter(packet, now)

    def take_fraction_lost(self) -> int:
        """Losses since the last call, in 256ths of what was expected."""
        expected = self._expected - self._expected_prior
        lost = expected - (self._received - self._received_prior)
        self._expected_prior, self._received_prior = self._expected, self._received
        return min(255, lost * 256 // expected) if expected > 0 and lost > 0 else 0

    def _estimate_jitter(self, packet: RtpPacket, now: float) -> None:
        transit = (round(now * CLOCK_RATE) - packet.timestamp) & 0xFFFFFFFF
        if self._transit is not None:
            change = (transit - self._transit + (1 << 31)) % (1 << 32) - (1 << 31)
            self._jitter += (abs(change) - self._jitter) / 16
        self._transit = transit


class RtcpSession:
    """Reports due by the clock, and the peer's reports.

    `epoch_s` is the NTP time in seconds (since 1900) at which `now` was zero.
    `random()` gives numbers from 0 up to 1.
    """

    def __init__(
        self, sender: RtpSender, *, cname: str, epoch_s: float, random: Callable[[], float]
    ) -> None:
        self._sender = sender
        self._cname = cname
        self._epoch_s = epoch_s
        self._random = random
        self._next_report_at: float | None = None
        self._incoming: ReceptionStatistics | None = None
        self._last_sender_report: tuple[int, float] | None = None
        self._remote: ReceptionReport | None = None

    @property
    def incoming(self) -> ReceptionStatistics | None:
        """What we count of the peer's stream; None before its first packet."""
        return self._incoming

    @property
    def remote(self) -> ReceptionReport | None:
        """The peer's latest report on our stream."""
        return self._remote

    @property
    def rtt(self) -> float | None:
        """Round trip time in seconds by the latest report that tells it."""
        return self._remote.rtt_s if self._remote else None

    def receive_rtp(self, packet: RtpPacket, now: float) -> None:
        """Count a packet of the peer's stream, in the order of arrival."""
        if self._incoming is None or not self._incoming.continues_with(packet):
            self._incoming = ReceptionStatistics(packet)
            self._last_sender_report = None
        self._incoming.receive(packet, now)

    def receive(self, compound: bytes, now: float) -> None:
        """Take the peer's unprotected RTCP. Raises RtcpError."""
        for packet in _parse(compound):
            if isinstance(packet, rtp.RtcpSrPacket):
                self._take_sender_info(packet, now)
            if isinstance(packet, rtp.RtcpSrPacket | rtp.RtcpRrPacket):
                self._take_reports(packet.reports, now)

    def tick(self, now: float) -> bytes | None:
        """A compound packet to send when a report is due."""
        if self._next_report_at is None:
            self._next_report_at = now + self._interval()
        if now < self._next_report_at:
            return None
        self._next_report_at = now + self._interval()
        return self.report(now)

    def report(self, now: float) -> bytes:
        """A sender report when we have sent anything, else a receiver report; and our name."""
        own = self._sender
        reports = [self._reception(self._incoming, now)] if self._incoming else []
        first: rtp.RtcpSrPacket | rtp.RtcpRrPacket = rtp.RtcpRrPacket(own.ssrc, reports)
        if own.packets_sent:
            info = rtp.RtcpSenderInfo(
                ntp_timestamp=self._ntp(now),
                rtp_timestamp=own.timestamp,
                packet_count=own.packets_sent & 0xFFFFFFFF,
                octet_count=own.payload_bytes_sent & 0xFFFFFFFF,
            )
            first = rtp.RtcpSrPacket(own.ssrc, info, reports)
        name = rtp.RtcpSourceInfo(own.ssrc, [(_SDES_CNAME, self._cname.encode())])
        return bytes(first) + bytes(rtp.RtcpSdesPacket([name]))

    def _interval(self) -> float:
        return REPORT_INTERVAL_S * (0.5 + self._random())

    def _ntp(self, now: float) -> int:
        """64-bit NTP timestamp."""
        return int((self._epoch_s + now) * _NTP_SECOND) & 0xFFFFFFFFFFFFFFFF

    def _reception(self, incoming: ReceptionStatistics, now: float) -> rtp.RtcpReceiverInfo:
        middle, received_at = self._last_sender_report or (0, now)
        return rtp.RtcpReceiverInfo(
            ssrc=incoming.ssrc,
            fraction_lost=incoming.take_fraction_lost(),
            packets_lost=rtp.clamp_packets_lost(incoming.packets_lost),
            highest_sequence=incoming.highest_sequence,
            jitter=min(incoming.jitter, 0xFFFFFFFF),
            lsr=middle,
            dlsr=min(int((now - received_at) * 65536), 0xFFFFFFFF),
        )

    def _take_sender_info(self, packet: rtp.RtcpSrPacket, now: float) -> None:
        if self._incoming is not None and packet.ssrc == self._incoming.ssrc:
            self._last_sender_report = (_middle(packet.sender_info.ntp_timestamp), now)

    def _take_reports(self, reports: Iterable[rtp.RtcpReceiverInfo], now: float) -> None:
        for report in reports:
            if report.ssrc == self._sender.ssrc:
                self._remote = ReceptionReport(
                    fraction_lost=report.fraction_lost / 256,
                    packets_lost=report.packets_lost,
                    jitter_s=report.jitter / CLOCK_RATE,
                    rtt_s=self._round_trip(report, now),
                )

    def _round_trip(self, report: rtp.RtcpReceiverInfo, now: float) -> float | None:
        """Now minus LSR minus DLSR: https://www.rfc-editor.org/rfc/rfc3550#section-6.4.1"""
        if report.lsr == 0:
            return None
        units = (_middle(self._ntp(now)) - report.lsr - report.dlsr) & 0xFFFFFFFF
        # Rounding can make a short one negative.
        return 0.0 if units >= 1 << 31 else units / 65536


def _middle(ntp_timestamp: int) -> int:
    """The middle 32 bits, in 65536ths of a second."""
    return (ntp_timestamp >> 16) & 0xFFFFFFFF


def _parse(compound: bytes) -> list[rtp.AnyRtcpPacket]:
    try:
        return rtp.RtcpPacket.parse(compound)
    except Exception as error:  # The parser documents no errors.
        raise RtcpError("not RTCP") from error
