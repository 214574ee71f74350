"""RTCP of one voice stream each way: what we report, and what the peer reports of us.

https://www.rfc-editor.org/rfc/rfc3550#section-6
"""

from collections.abc import Callable
from dataclasses import dataclass

from transceiver.rtp.packet import RtpPacket
from transceiver.rtp.reception import Reception
from transceiver.rtp.rtcp import (
    Goodbye,
    Report,
    ReportBlock,
    SenderInfo,
    encode_name,
    encode_report,
    parse_rtcp,
)
from transceiver.rtp.sender import RtpSender

REPORT_INTERVAL_S = 2.5
"""Mean time between reports; each is 0.5 to 1.5 times as long (RFC 3550 section 6.2)."""

_NTP_SECOND = 1 << 32


@dataclass(frozen=True, slots=True)
class ReceptionReport:
    """How the peer receives our stream, by its latest report."""

    fraction_lost: float
    """From 0 to 1, since its report before."""
    packets_lost: int
    """In total."""
    packets_expected: int
    """What it has seen the stream advance by since its report before; 0 in our silence."""
    jitter_s: float
    rtt_s: float | None
    """Round trip time; None until it has seen a sender report of ours."""


class RtcpSession:
    """Reports due by the clock, and the peer's reports.

    `epoch_s` is the NTP time in seconds (since 1900) at which `now` was zero.
    `random()` gives numbers from 0 up to 1. Both streams have the sender's clock rate.
    """

    def __init__(
        self, sender: RtpSender, *, cname: str, epoch_s: float, random: Callable[[], float]
    ) -> None:
        self._sender = sender
        self._name = encode_name(sender.ssrc, cname.encode())
        self._epoch_s = epoch_s
        self._random = random
        self._next_report_at: float | None = None
        self._sent_by_reports = (0, 0)
        self._incoming: Reception | None = None
        self._remote: ReceptionReport | None = None
        self._remote_sequence = sender.sequence - 1

    @property
    def remote(self) -> ReceptionReport | None:
        """The peer's latest report on our stream."""
        return self._remote

    @property
    def rtt(self) -> float | None:
        """Round trip time in seconds by the latest report that tells it."""
        return self._remote.rtt_s if self._remote else None

    def receive_rtp(self, packet: RtpPacket, now: float, *, timed: bool = True) -> None:
        """Count a packet of the peer's stream, in the order of arrival; see `Reception.receive`."""
        if self._incoming is None or not self._incoming.receive(packet, now, timed=timed):
            self._incoming = Reception(packet, now, clock_rate=self._sender.clock_rate)

    def receive(self, compound: bytes, now: float) -> ReceptionReport | None:
        """Take the peer's unprotected RTCP; returns its report on our stream, if it brings one.

        A goodbye ends the peer's stream and not the call: more of the stream may come, and the
        call's end is told by DTLS or the data channel. Raises RtcpError.
        """
        latest: ReceptionReport | None = None
        for packet in parse_rtcp(compound):
            if isinstance(packet, Goodbye):
                self._forget(packet)
                continue
            self._take_sender_info(packet, now)
            for block in packet.blocks:
                if block.ssrc == self._sender.ssrc:
                    latest = self._remote = self._reception_report(block, now)
        return latest

    def tick(self, now: float) -> bytes | None:
        """A compound packet to send when a report is due."""
        if self._next_report_at is None:
            self._next_report_at = now + self._interval()
        if now < self._next_report_at:
            return None
        self._next_report_at = now + self._interval()
        return self.report(now)

    def report(self, now: float) -> bytes:
        """A sender report if we sent since the report before the last; and our name.

        https://www.rfc-editor.org/rfc/rfc3550#section-6.4
        """
        own = self._sender
        block = self._incoming.take_report(now) if self._incoming else None
        before_last, last = self._sent_by_reports
        self._sent_by_reports = last, own.packets_sent
        info = None
        if own.packets_sent > before_last:
            info = SenderInfo(
                ntp_timestamp=self._ntp(now),
                rtp_timestamp=own.timestamp,
                packets=own.packets_sent & 0xFFFFFFFF,
                octets=own.payload_bytes_sent & 0xFFFFFFFF,
            )
        return encode_report(Report(own.ssrc, info, [block] if block else [])) + self._name

    def _interval(self) -> float:
        return REPORT_INTERVAL_S * (0.5 + self._random())

    def _ntp(self, now: float) -> int:
        """64-bit NTP timestamp."""
        return int((self._epoch_s + now) * _NTP_SECOND) & 0xFFFFFFFFFFFFFFFF

    def _take_sender_info(self, report: Report, now: float) -> None:
        incoming, info = self._incoming, report.sender_info
        if info is not None and incoming is not None and report.ssrc == incoming.ssrc:
            incoming.sender_report = (_middle(info.ntp_timestamp), now)

    def _forget(self, goodbye: Goodbye) -> None:
        if self._incoming is not None and self._incoming.ssrc in goodbye.ssrcs:
            self._incoming = None

    def _reception_report(self, block: ReportBlock, now: float) -> ReceptionReport:
        advanced = (block.highest_sequence - self._remote_sequence) & 0xFFFFFFFF
        self._remote_sequence = block.highest_sequence
        if advanced >= 1 << 31:  # it counts anew
            advanced = 0
        return ReceptionReport(
            fraction_lost=block.fraction_lost / 256,
            packets_lost=block.packets_lost,
            packets_expected=min(advanced, self._sender.packets_sent),
            jitter_s=block.jitter / self._sender.clock_rate,
            rtt_s=self._round_trip(block, now),
        )

    def _round_trip(self, block: ReportBlock, now: float) -> float | None:
        """Now minus LSR minus DLSR: https://www.rfc-editor.org/rfc/rfc3550#section-6.4.1"""
        if block.last_sender_report == 0:
            return None
        units = (_middle(self._ntp(now)) - block.last_sender_report - block.delay) & 0xFFFFFFFF
        # Rounding can make a short one negative.
        return 0.0 if units >= 1 << 31 else units / 65536


def _middle(ntp_timestamp: int) -> int:
    """The middle 32 bits, in 65536ths of a second."""
    return (ntp_timestamp >> 16) & 0xFFFFFFFF
