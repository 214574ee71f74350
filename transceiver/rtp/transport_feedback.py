"""Tells a sender when each of its packets arrived: it then finds the path's bandwidth.

https://datatracker.ietf.org/doc/html/draft-holmer-rmcat-transport-wide-cc-extensions-01#section-3.1

 0                   1                   2                   3
 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
|V=2|P|  FMT=15 |    PT=205     |           length              |
|                     SSRC of packet sender                     |
|                      SSRC of media source                     |
|      base sequence number     |      packet status count      |
|                 reference time                | fb pkt. count |
|    packet chunks, 2 bytes each, then receive deltas, 1 or 2   |
"""

import struct
from collections.abc import Iterator

from transceiver.rtp.header_extensions import transport_sequence
from transceiver.rtp.packet import RtpPacket

FEEDBACK_INTERVAL_S = 0.2
"""From a packet to the feedback on it. libwebrtc's receivers wait 50 to 250 ms, so long that
feedback is a twentieth of the traffic: for voice that is the slow end of the range."""

REPEATABLE_S = 0.5
"""How long an arrival is kept once told. A late packet is told together with all that were
sent after it, which must not seem lost."""

MAX_ARRIVALS = 192
"""What is kept at once: a message then fits a datagram. Further packets count as lost, which
is what a sender of that many should believe."""

MAX_JUMP = 2000
"""A number this far from the one expected starts a new account."""

_HEADER = struct.Struct(">BBHIIHHI")
_FEEDBACK = 0x80 | 15
_PADDED = 0x20
_RTPFB = 205
_SEQUENCES = 1 << 16

_TICKS_PER_SECOND = 4000
_TICKS_PER_REFERENCE = 256
"""Deltas count 250 us, the reference time 64 ms."""

_LOST, _SMALL_DELTA, _LARGE_DELTA = range(3)
_MAX_SMALL_DELTA = 0xFF
_MAX_DELTA = 0x7FFF
"""8 s; a longer one is told as this."""

_VECTOR = 0x8000
_TWO_BIT_SYMBOLS = 0x4000


class TransportFeedback:
    """Feedback on the packets of one client, from `own_ssrc`.

    `identifier` is the header extension's that bears the transport-wide sequence number.
    """

    def __init__(self, own_ssrc: int, identifier: int) -> None:
        self._own_ssrc = own_ssrc
        self._identifier = identifier
        self._media_ssrc = 0
        self._messages = 0
        self._due_at: float | None = None
        self._next: int | None = None
        """The number after the highest told; numbers are extended beyond 16 bits."""
        self._first = 0
        """The lowest to be told: it is below `_next` when that packet came late."""
        self._arrivals: dict[int, float] = {}

    def receive(self, packet: RtpPacket, now: float) -> None:
        """Note the arrival of a packet, if it bears a number."""
        sequence = transport_sequence(packet.extension, self._identifier)
        if sequence is None:
            return
        number = self._extended(sequence)
        if number in self._arrivals or len(self._arrivals) >= MAX_ARRIVALS:
            return
        self._arrivals[number] = now
        self._media_ssrc = packet.ssrc
        if number < self._first:
            self._first = number
        if self._due_at is None:
            self._due_at = now + FEEDBACK_INTERVAL_S

    def due(self, now: float) -> bytes | None:
        """An RTCP packet to send, alone (https://www.rfc-editor.org/rfc/rfc5506), or None."""
        if self._due_at is None or now < self._due_at:
            return None
        self._due_at = None
        last = max(self._arrivals)
        message = self._message(last)
        self._messages += 1
        self._first = self._next = max(last + 1, self._next or 0)
        oldest = now - REPEATABLE_S
        self._arrivals = {
            number: arrived for number, arrived in self._arrivals.items() if arrived > oldest
        }
        return message

    def _extended(self, sequence: int) -> int:
        if self._next is not None:
            ahead = (sequence - self._next + MAX_JUMP) % _SEQUENCES - MAX_JUMP
            if ahead <= MAX_JUMP:
                return self._next + ahead
        self._arrivals.clear()
        # Room for what was sent before it and comes after it.
        self._next = self._first = sequence + _SEQUENCES
        return self._next

    def _message(self, last: int) -> bytes:
        earliest = min(number for number in self._arrivals if number >= self._first)
        reference = _ticks(self._arrivals[earliest]) // _TICKS_PER_REFERENCE
        symbols, deltas = self._arrived(last, reference * _TICKS_PER_REFERENCE)
        body = b"".join(chunk.to_bytes(2, "big") for chunk in _chunks(symbols)) + deltas
        padding = -len(body) % 4
        header = _HEADER.pack(
            _FEEDBACK | (_PADDED if padding else 0),
            _RTPFB,
            (_HEADER.size + len(body) + padding) // 4 - 1,
            self._own_ssrc,
            self._media_ssrc,
            self._first % _SEQUENCES,
            len(symbols),
            (reference & 0xFFFFFF) << 8 | self._messages & 0xFF,
        )
        return header + body + (bytes(padding - 1) + bytes([padding]) if padding else b"")

    def _arrived(self, last: int, told: int) -> tuple[bytes, bytes]:
        """The status symbols of all numbers to be told, and the deltas after tick `told`."""
        symbols, deltas = bytearray(), bytearray()
        for number in range(self._first, last + 1):
            arrived = self._arrivals.get(number)
            if arrived is None:
                symbols.append(_LOST)
                continue
            delta = max(-_MAX_DELTA, min(_ticks(arrived) - told, _MAX_DELTA))
            told += delta
            if 0 <= delta <= _MAX_SMALL_DELTA:
                symbols.append(_SMALL_DELTA)
                deltas.append(delta)
            else:
                symbols.append(_LARGE_DELTA)
                deltas += delta.to_bytes(2, "big", signed=True)
        return bytes(symbols), bytes(deltas)


def _ticks(seconds: float) -> int:
    return round(seconds * _TICKS_PER_SECOND)


def _chunks(symbols: bytes) -> Iterator[int]:
    """The symbols as runs of one, and as vectors of 14 of one bit or 7 of two bits."""
    while symbols:
        run = len(symbols) - len(symbols.lstrip(symbols[:1]))
        one_bit = max(symbols[:14]) < _LARGE_DELTA
        if run == len(symbols) or run >= (14 if one_bit else 7):
            # No run is longer than its 13 bits can tell: see MAX_JUMP.
            yield symbols[0] << 13 | run
            symbols = symbols[run:]
        elif one_bit:
            yield _VECTOR | _vector(symbols[:14], 14, 1)
            symbols = symbols[14:]
        else:
            yield _VECTOR | _TWO_BIT_SYMBOLS | _vector(symbols[:7], 7, 2)
            symbols = symbols[7:]


def _vector(symbols: bytes, places: int, bits: int) -> int:
    value = 0
    for symbol in symbols.ljust(places, b"\0"):
        value = value << bits | symbol
    return value
