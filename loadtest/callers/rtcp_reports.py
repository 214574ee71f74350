"""RTCP of a call: what it says of what it sends and hears, and how long a report was on its way.

https://www.rfc-editor.org/rfc/rfc3550#section-6.4
"""

from aiortc import rtp

NTP_UNIX_S = 2_208_988_800

_MIDDLE = 1 << 16
"""Units a second of the middle 32 bits of an NTP timestamp."""


class Reports:
    """Times are by one steady clock, in seconds."""

    def __init__(self, ssrc: int, clock_offset_s: float = 0.0) -> None:
        """`clock_offset_s`: by how much that clock shows more than seconds since 1970."""
        self._ssrc = ssrc
        self._since_1900_s = NTP_UNIX_S - clock_offset_s
        """Added to a time, its NTP timestamp's seconds."""
        self._heard_ssrc: int | None = None
        self._highest_sequence = 0
        self._last_report = 0
        """The middle of the NTP timestamp of the last sender report that came."""
        self._last_report_at = 0.0

    def heard(self, ssrc: int, highest_sequence: int) -> None:
        """What the next report says was received."""
        self._heard_ssrc, self._highest_sequence = ssrc, highest_sequence

    def report(self, now: float, *, timestamp: int, packets: int, octets: int) -> bytes:
        """A sender report of so many packets, the last one with that RTP timestamp."""
        info = rtp.RtcpSenderInfo(
            ntp_timestamp=int((now + self._since_1900_s) * (1 << 32)),
            rtp_timestamp=timestamp,
            packet_count=packets,
            octet_count=octets & 0xFFFFFFFF,
        )
        return bytes(rtp.RtcpSrPacket(self._ssrc, info, self._receiver_blocks(now)))

    def receive(self, compound: bytes, arrived_at: float) -> list[float]:
        """Take a plain compound packet: round trips that it tells of, in seconds.

        Raises ValueError.
        """
        round_trips = []
        for packet in rtp.RtcpPacket.parse(compound):
            if isinstance(packet, rtp.RtcpSrPacket):
                self._last_report = packet.sender_info.ntp_timestamp >> 16 & 0xFFFFFFFF
                self._last_report_at = arrived_at
            if isinstance(packet, rtp.RtcpSrPacket | rtp.RtcpRrPacket):
                round_trips += [
                    self._round_trip(each, arrived_at)
                    for each in packet.reports
                    if each.ssrc == self._ssrc and each.lsr
                ]
        return round_trips

    def _receiver_blocks(self, now: float) -> list[rtp.RtcpReceiverInfo]:
        if self._heard_ssrc is None:
            return []
        since = int((now - self._last_report_at) * _MIDDLE) if self._last_report else 0
        return [
            rtp.RtcpReceiverInfo(
                ssrc=self._heard_ssrc,
                fraction_lost=0,
                packets_lost=0,
                highest_sequence=self._highest_sequence,
                jitter=0,
                lsr=self._last_report,
                dlsr=min(since, 0xFFFFFFFF),
            )
        ]

    def _round_trip(self, block: rtp.RtcpReceiverInfo, arrived_at: float) -> float:
        """https://www.rfc-editor.org/rfc/rfc3550#section-6.4.1"""
        middle = int((arrived_at + self._since_1900_s) * _MIDDLE)
        ticks = (middle - block.lsr - block.dlsr + (1 << 31)) % (1 << 32) - (1 << 31)
        return max(ticks, 0) / _MIDDLE
