"""Numbers the packets of our own stream."""

from transceiver.rtp.packet import RtpPacket

CLOCK_RATE = 48000
"""RTP timestamps of Opus, whatever rate it codes at: https://www.rfc-editor.org/rfc/rfc7587#section-4.1"""

FRAME_TICKS = CLOCK_RATE // 50


class RtpSender:
    """A stream whose timestamp follows the playout clock, also through silence.

    `sequence` and `timestamp` are where it starts; they should be random.
    Call `send` or `skip` once for each 20 ms frame of the playout clock.
    """

    def __init__(self, *, payload_type: int, ssrc: int, sequence: int, timestamp: int) -> None:
        self._payload_type = payload_type
        self._ssrc = ssrc
        self._sequence = sequence
        self._timestamp = timestamp
        self._silent = True
        self.packets_sent = 0
        self.payload_bytes_sent = 0

    @property
    def ssrc(self) -> int:
        return self._ssrc

    @property
    def timestamp(self) -> int:
        """The RTP timestamp of the next frame."""
        return self._timestamp

    def send(self, payload: bytes) -> bytes:
        """The packet for this frame; the first after silence carries the marker."""
        packet = RtpPacket(
            payload_type=self._payload_type,
            sequence=self._sequence,
            timestamp=self._timestamp,
            ssrc=self._ssrc,
            payload=payload,
            marker=self._silent,
        )
        self._silent = False
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._advance()
        self.packets_sent += 1
        self.payload_bytes_sent += len(payload)
        return packet.encode()

    def skip(self) -> None:
        """Let this frame pass in silence."""
        self._silent = True
        self._advance()

    def _advance(self) -> None:
        self._timestamp = (self._timestamp + FRAME_TICKS) & 0xFFFFFFFF
