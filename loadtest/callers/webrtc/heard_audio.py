"""What a caller hears: the server's RTP, checked and listened to."""

import math
from collections.abc import Callable
from typing import Protocol

import av
import numpy as np

from loadtest.callers.answer_check import FLOOR_DB
from loadtest.callers.fault_gaps import FaultGaps
from loadtest.callers.silence_watch import SilenceWatch
from loadtest.callers.stream_check import StreamCheck

_CELT, _VOICED, _ONES = 0x80, 0x80, 0xFF
_SHORTEST_VOICE_BYTES = 4

_FULL_SCALE = 32768.0
_HEADER_BYTES = 12


class _Ear(Protocol):
    def heard(self, at: float) -> None: ...


class HeardAudio:
    """Give it authentic RTP packets."""

    def __init__(
        self,
        new_check: Callable[[], StreamCheck],
        conversation: _Ear,
        *,
        red: int | None,
        listen: Callable[[float, float], None] | None,
        gaps: FaultGaps | None = None,
        silence: SilenceWatch | None = None,
    ) -> None:
        """`red` is RED's payload type. `listen`, where given, is told when each frame came and
        how loud it is, in dB: that takes decoding it. `gaps` is told of each packet, `silence`
        of each voice."""
        self.ssrc: int | None = None
        self.sequence = 0
        self._new_check = new_check
        self._check: StreamCheck | None = None
        self._conversation = conversation
        self._red = red
        self._listen = listen
        self._gaps = gaps
        self._silence = silence
        self._decoder = _Decoder() if listen is not None else None

    def packet(self, packet: bytes, arrived_at: float) -> None:
        """One came."""
        ssrc = int.from_bytes(packet[8:12], "big")
        check = self._check
        if check is None or ssrc != self.ssrc:
            check = self._begin(ssrc)
        self.sequence = sequence = packet[2] << 8 | packet[3]
        if not check.received(sequence, int.from_bytes(packet[4:8], "big"), arrived_at):
            return
        if self._gaps is not None:
            self._gaps.heard(arrived_at)
        start = _HEADER_BYTES if packet[0] == 0x80 else _payload_start(packet)
        if self._red is not None and packet[1] & 0x7F == self._red:
            start = _primary_start(packet, start)
        if has_voice(packet, start):
            self._conversation.heard(arrived_at)
            if self._silence is not None:
                self._silence.heard()
        if self._listen is not None and self._decoder is not None:
            self._listen(arrived_at, self._decoder.loudness(packet[start:]))

    def dropped(self, sequence: int) -> None:
        """One was taken on purpose."""
        if self._check is not None:
            self._check.dropped(sequence)

    def settle(self, *, final: bool = False) -> None:
        """About once each second."""
        if self._check is not None:
            self._check.settle(final=final)

    def close(self, now: float) -> None:
        """Hang up."""
        if self._check is not None:
            self._check.end(now)
        if self._gaps is not None:
            self._gaps.close(now)

    def _begin(self, ssrc: int) -> StreamCheck:
        self.settle(final=True)
        self.ssrc, self._check = ssrc, self._new_check()
        return self._check


class _Decoder:
    """Tells how loud frames of Opus are."""

    def __init__(self) -> None:
        decoder = av.CodecContext.create("libopus", "r")
        assert isinstance(decoder, av.AudioCodecContext)
        decoder.sample_rate, decoder.layout = 48_000, "mono"
        self._decoder = decoder
        self._last_db = FLOOR_DB

    def loudness(self, packet: bytes) -> float:
        """In dB of the full scale; that of the frame before, where it is damaged."""
        if not packet:
            return self._last_db  # What is empty would be the end of all decoding.
        try:
            frames = self._decoder.decode(av.Packet(packet))
        except av.error.FFmpegError:
            return self._last_db
        for frame in frames:
            samples = np.frombuffer(bytes(frame.planes[0]), np.int16).astype(np.float32)
            power = float(samples @ samples) / max(len(samples), 1) / _FULL_SCALE**2
            self._last_db = max(10 * math.log10(power + 1e-12), FLOOR_DB)
        return self._last_db


def has_voice(packet: bytes, start: int) -> bool:
    """Whether the Opus frame that begins there has a voice in it, by its first bits.

    SILK's begin with the flag that its encoder's voice activity detection sets, of even odds, so
    that it is the first bit; CELT's with one that says "silence", of odds so long that it takes
    a byte of ones. https://www.rfc-editor.org/rfc/rfc6716#section-4.2.3,
    https://www.rfc-editor.org/rfc/rfc6716#section-4.3
    """
    if len(packet) - start < _SHORTEST_VOICE_BYTES:
        return False
    first = packet[start + 1]
    return first != _ONES if packet[start] & _CELT else first >= _VOICED


def _payload_start(packet: bytes) -> int:
    """https://www.rfc-editor.org/rfc/rfc3550#section-5.1"""
    start = _HEADER_BYTES + 4 * (packet[0] & 0x0F)
    if packet[0] & 0x10:
        start += 4 + 4 * int.from_bytes(packet[start + 2 : start + 4], "big")
    return start


def _primary_start(packet: bytes, at: int) -> int:
    """Where the frame begins that is not a repetition.

    https://www.rfc-editor.org/rfc/rfc2198#section-3
    """
    repeated = 0
    while at < len(packet) and packet[at] & 0x80:
        repeated += int.from_bytes(packet[at + 2 : at + 4], "big") & 0x3FF
        at += 4
    return at + 1 + repeated
