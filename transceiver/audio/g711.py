"""G.711, the telephone's codec: PCM at 8 kHz in eight bits a sample, by tables.

https://www.itu.int/rec/T-REC-G.711, in the terms of ITU-T G.191's software tools.
"""

import numpy as np
import numpy.typing as npt

from transceiver.audio.codec import AudioCodecError
from transceiver.audio.concealment import Concealment
from transceiver.audio.format import Codec
from transceiver.audio.key_tones import KeyTones
from transceiver.audio.opus_mode import OpusMode

CLOCK_RATE = 8000
"""Also the sampling rate: https://www.rfc-editor.org/rfc/rfc3551#section-4.5.14"""

MAX_PACKET_BYTES = CLOCK_RATE * 240 // 1000
"""A quarter of a second: more than clients send, and less than a jumbo datagram could hold."""

_ULAW_BIAS = 33
_ULAW_MAX = 0x1FFF
_ALAW_TOGGLED = 0x55
_SIGN = 0x80

Samples = npt.NDArray[np.int16]
Codes = npt.NDArray[np.uint8]


class G711Decoder:
    """Decodes one stream of `codec`, PCMU or PCMA, at 8 kHz, without the tones of keys."""

    clock_rate = CLOCK_RATE
    concealment_step = 1

    def __init__(self, codec: Codec) -> None:
        self._linear = _LINEAR[codec]
        self._key_tones = KeyTones(CLOCK_RATE)
        self._concealment = Concealment(CLOCK_RATE)

    def duration(self, payload: bytes) -> int:
        """The samples that `payload` decodes to. Raises AudioCodecError."""
        if not 0 < len(payload) <= MAX_PACKET_BYTES:
            raise AudioCodecError(f"{len(payload)} bytes are no packet of G.711")
        return len(payload)

    def decode(self, payload: bytes) -> bytes:
        """The packet's audio. Raises AudioCodecError."""
        self.duration(payload)
        samples = self._linear[np.frombuffer(payload, np.uint8)]
        return self._concealment.follow(self._key_tones.remove(samples)).tobytes()

    def repair(self, following: bytes, samples: int) -> bytes:
        """A guess, for no packet of G.711 repeats another: at what leads to this one."""
        end = self._linear[np.frombuffer(following, np.uint8)]
        return self._concealment.join(samples, end).tobytes()

    def conceal(self, samples: int) -> bytes:
        """A guess at the next `samples`."""
        return self._concealment.conceal(samples).tobytes()

    def reset(self) -> None:
        """Forget the past: the next packet begins another stream."""
        self._key_tones.reset()
        self._concealment.reset()


class G711Encoder:
    """Encodes PCM at 8 kHz as `codec`, PCMU or PCMA."""

    clock_rate = CLOCK_RATE

    def __init__(self, codec: Codec) -> None:
        self._codes = _CODES[codec]

    def encode(self, pcm: bytes) -> bytes:
        """One packet's payload, of any length. Raises AudioCodecError."""
        if len(pcm) % 2:
            raise AudioCodecError(f"{len(pcm)} bytes of PCM end within a sample")
        return bytes(self._codes[np.frombuffer(pcm, "<u2")])

    def adapt(self, _mode: OpusMode, _expected_loss: float) -> None:
        """There is nothing to adapt."""


def _ulaw_linear(codes: Codes) -> Samples:
    bits = ~codes
    segment, interval = (bits >> 4) & 7, (bits & 0x0F).astype(np.int32)
    magnitude = ((2 * interval + _ULAW_BIAS) << segment) - _ULAW_BIAS
    # 14 bits, in the upper ones of 16.
    return (np.where(bits & _SIGN, -magnitude, magnitude) * 4).astype(np.int16)


def _ulaw_codes(linear: Samples) -> Codes:
    magnitude = np.where(linear < 0, ~linear, linear) >> 2
    biased = np.minimum(magnitude + _ULAW_BIAS, _ULAW_MAX)
    segment = np.frexp(biased)[1] - 6
    interval = (biased >> (segment + 1)) & 0x0F
    sign = np.where(linear < 0, _SIGN, 0)
    codes: Codes = (~(sign | segment << 4 | interval)).astype(np.uint8)
    return codes


def _alaw_linear(codes: Codes) -> Samples:
    bits = codes ^ _ALAW_TOGGLED
    segment, interval = (bits >> 4) & 7, (bits & 0x0F).astype(np.int32)
    leading = np.where(segment == 0, 0, 0x20)
    magnitude = (leading + 2 * interval + 1) << np.maximum(segment.astype(np.int32) - 1, 0)
    # 13 bits, in the upper ones of 16; the sign bit is set for positive samples.
    return (np.where(bits & _SIGN, magnitude, -magnitude) * 8).astype(np.int16)


def _alaw_codes(linear: Samples) -> Codes:
    magnitude = np.where(linear < 0, ~linear, linear) >> 4
    segment = np.maximum(np.frexp(magnitude)[1] - 4, 0)
    interval = (magnitude >> np.maximum(segment - 1, 0)) & 0x0F
    sign = np.where(linear < 0, 0, _SIGN)
    codes: Codes = ((sign | segment << 4 | interval) ^ _ALAW_TOGGLED).astype(np.uint8)
    return codes


_EVERY_CODE = np.arange(256, dtype=np.uint8)
_EVERY_SAMPLE = np.arange(1 << 16, dtype=np.uint16).view(np.int16)
"""In the order of their bits, read as a number without a sign."""

_LINEAR = {Codec.PCMU: _ulaw_linear(_EVERY_CODE), Codec.PCMA: _alaw_linear(_EVERY_CODE)}
_CODES = {Codec.PCMU: _ulaw_codes(_EVERY_SAMPLE), Codec.PCMA: _alaw_codes(_EVERY_SAMPLE)}
