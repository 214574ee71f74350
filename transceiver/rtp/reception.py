"""How one stream is received, counted as RFC 3550 lays down.

https://www.rfc-editor.org/rfc/rfc3550#appendix-A.3
https://www.rfc-editor.org/rfc/rfc3550#appendix-A.8
"""

from transceiver.rtp.packet import RtpPacket
from transceiver.rtp.rtcp import MAX_PACKETS_LOST, MIN_PACKETS_LOST, ReportBlock

MAX_DROPOUT = 3000
"""A sequence number further off than this, either way, is of a sender that started over."""

_TIMESTAMPS = 1 << 32


class Reception:
    """The account of one SSRC, which its first packet opens."""

    def __init__(self, packet: RtpPacket, now: float, *, clock_rate: int) -> None:
        self.ssrc = packet.ssrc
        self.received = 1
        self.sender_report: tuple[int, float] | None = None
        """The middle 32 bits of the latest one's NTP timestamp, and when it came."""
        self._clock_rate = clock_rate
        self._base = self._highest = packet.sequence
        self._jitter = 0.0
        self._transit = now * clock_rate - packet.timestamp
        self._expected_prior = 0
        self._received_prior = 0

    def receive(self, packet: RtpPacket, now: float, *, timed: bool = True) -> bool:
        """Count a packet, in the order of arrival; `timed` if its timestamp is of when it was sent.

        False, and nothing counted, when it is another stream's, or its sender started over.
        """
        ahead = (packet.sequence - self._highest) & 0xFFFF
        if packet.ssrc != self.ssrc or MAX_DROPOUT <= ahead <= 0x10000 - MAX_DROPOUT:
            return False
        if ahead < MAX_DROPOUT:
            self._highest += ahead
        self.received += 1
        if timed:
            transit = now * self._clock_rate - packet.timestamp
            change = abs(transit - self._transit)
            if change > _TIMESTAMPS // 2:  # the timestamp wrapped
                change = abs(change - _TIMESTAMPS)
            self._jitter += (change - self._jitter) / 16
            self._transit = transit
        return True

    def take_report(self, now: float) -> ReportBlock | None:
        """The block that is due; None when nothing was received since the last one."""
        expected = self._highest - self._base + 1
        received = self.received
        interval_expected = expected - self._expected_prior
        interval_received = received - self._received_prior
        if not interval_received:
            return None
        self._expected_prior, self._received_prior = expected, received
        lost = max(0, interval_expected - interval_received)
        middle, reported_at = self.sender_report or (0, now)
        return ReportBlock(
            ssrc=self.ssrc,
            fraction_lost=min(255, lost * 256 // interval_expected) if lost else 0,
            packets_lost=min(MAX_PACKETS_LOST, max(MIN_PACKETS_LOST, expected - received)),
            highest_sequence=self._highest & 0xFFFFFFFF,
            jitter=min(round(self._jitter), 0xFFFFFFFF),
            last_sender_report=middle,
            delay=min(int((now - reported_at) * 65536), 0xFFFFFFFF),
        )
