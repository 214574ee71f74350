"""Numbers the packets of our own stream, and lets them repeat earlier frames.

https://www.rfc-editor.org/rfc/rfc3550#section-5.1
"""

import struct

from transceiver.rtp.red_packer import RedPacker

MAX_REDUNDANCY = 2

_HEADER = struct.Struct(">BBHII")
_VERSION_2 = 0x80
_MARKER = 0x80


class RtpSender:
    """A stream whose timestamp follows the playout clock, also through silence.

    `sequence` and `timestamp` are where it starts; they should be random.
    Call `send`, `send_pause` or `skip` once for each frame of the playout clock.

    With a `red_payload_type`, packets can repeat the frames before their own (RFC 2198),
    as far back as the last silence.
    """

    def __init__(
        self,
        *,
        payload_type: int,
        ssrc: int,
        sequence: int,
        timestamp: int,
        clock_rate: int = 48000,
        frame_ms: int = 20,
        red_payload_type: int | None = None,
    ) -> None:
        self.ssrc = ssrc
        self.clock_rate = clock_rate
        """Ticks of the timestamp in a second."""
        self.sequence = sequence
        """Of the next packet."""
        self.timestamp = timestamp
        """Of the next frame."""
        self.packets_sent = 0
        self.payload_bytes_sent = 0
        self._payload_type = payload_type
        self._plain_payload_type = payload_type
        self._red_payload_type = red_payload_type
        self._frame_ticks = clock_rate * frame_ms // 1000
        self._marker = _MARKER
        self._redundancy = 0
        self._packer: RedPacker | None = None

    @property
    def redundancy(self) -> int:
        """How many frames before its own each packet repeats.

        At 0 packets are plain. It stays 0 without a `red_payload_type`.
        """
        return self._redundancy

    @redundancy.setter
    def redundancy(self, blocks: int) -> None:
        if not 0 <= blocks <= MAX_REDUNDANCY:
            raise ValueError(f"0 to {MAX_REDUNDANCY} frames can be repeated, not {blocks}")
        if self._red_payload_type is None:
            return
        self._redundancy = blocks
        if not blocks:
            self._payload_type, self._packer = self._plain_payload_type, None
        elif self._packer is None:
            self._payload_type = self._red_payload_type
            self._packer = RedPacker(self._plain_payload_type, self._frame_ticks)

    def send(self, frame: bytes) -> bytes:
        """The packet for this frame; the first after silence carries the marker."""
        if self._packer is not None:
            frame = self._packer.pack(frame, self._redundancy)
        sequence, timestamp = self.sequence, self.timestamp
        self.sequence = (sequence + 1) & 0xFFFF
        self.timestamp = (timestamp + self._frame_ticks) & 0xFFFFFFFF
        self.packets_sent += 1
        self.payload_bytes_sent += len(frame)
        second = self._payload_type | self._marker
        self._marker = 0
        return _HEADER.pack(_VERSION_2, second, sequence, timestamp, self.ssrc) + frame

    def send_pause(self, payload_type: int, payload: bytes) -> bytes:
        """The packet for this frame of silence, which begins and ends no talkspurt."""
        header = _HEADER.pack(_VERSION_2, payload_type, self.sequence, self.timestamp, self.ssrc)
        self.sequence = (self.sequence + 1) & 0xFFFF
        self.packets_sent += 1
        self.payload_bytes_sent += len(payload)
        self.skip()
        return header + payload

    def skip(self) -> None:
        """Let this frame pass in silence."""
        self.timestamp = (self.timestamp + self._frame_ticks) & 0xFFFFFFFF
        self._marker = _MARKER
        if self._packer is not None:
            self._packer.interrupt()
