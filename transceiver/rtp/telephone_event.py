"""Keys that the client presses, as RTP payloads of their own: https://www.rfc-editor.org/rfc/rfc4733

 0                   1                   2                   3
 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
|     event     |E|R| volume    |          duration             |

Every packet of an event has the timestamp at which it began, and tells how long it has lasted:
each is one of several, so any of them may be lost, the last included.
"""

from transceiver.rtp.packet import RtpPacket

KEYS = "0123456789*#ABCD"
"""By their number, https://www.rfc-editor.org/rfc/rfc4733#section-3.2; the others are no keys."""

_PAYLOAD_BYTES = 4
_TIMESTAMPS = 1 << 32
_RESTART_TICKS = 48000 * 10
"""A timestamp further back than that is no late packet: the clock began anew."""


class TelephoneEvents:
    """Tells one press of a key from the packets that repeat it."""

    def __init__(self) -> None:
        self._ssrc: int | None = None
        self._event = -1
        self._timestamp = 0
        self._duration = 0

    def receive(self, packet: RtpPacket) -> str | None:
        """The key, at the first packet of its event that comes; None at all others."""
        if len(packet.payload) < _PAYLOAD_BYTES:
            return None
        event = packet.payload[0]
        duration = packet.payload[2] << 8 | packet.payload[3]
        if self._is_known(packet, event):
            self._timestamp, self._duration = packet.timestamp, max(duration, 1)
            return None
        if self._is_late(packet):
            return None
        self._ssrc, self._event = packet.ssrc, event
        self._timestamp, self._duration = packet.timestamp, max(duration, 1)
        return KEYS[event] if event < len(KEYS) else None

    def _is_known(self, packet: RtpPacket, event: int) -> bool:
        """Whether the event goes on, or is told of once more.

        One too long for the field goes on where it left off, under another timestamp
        (https://www.rfc-editor.org/rfc/rfc4733#section-2.5.1.3), and some senders move it with
        every packet. Between two presses there is a pause.
        """
        if packet.ssrc != self._ssrc or event != self._event:
            return False
        return (packet.timestamp - self._timestamp) % _TIMESTAMPS <= self._duration

    def _is_late(self, packet: RtpPacket) -> bool:
        """Whether it belongs to an event before the latest."""
        behind = (self._timestamp - packet.timestamp) % _TIMESTAMPS
        return packet.ssrc == self._ssrc and behind < _RESTART_TICKS
