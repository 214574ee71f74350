"""What may be put in the place of a lost packet of G.711."""

import enum

import numpy as np

from transceiver.audio.codec import AudioDecoder
from transceiver.audio.format import Codec
from transceiver.audio.g711 import CLOCK_RATE, G711Decoder
from transceiver.audio.resampled import ResampledDecoder


class Guess(enum.Enum):
    BOTH_SIDES = "both_sides"
    """What the receiver does."""
    PAST = "past"
    """The same from the past alone, as ITU-T G.711 Appendix I."""
    REPEATED = "repeated"
    """The packet before, half as loud each time."""
    SILENCE = "silence"


class PastDecoder(G711Decoder):
    """Fills gaps as if their end had not come."""

    def repair(self, _following: bytes, samples: int) -> bytes:
        return self.conceal(samples)


class SilentDecoder(G711Decoder):
    """Leaves gaps."""

    def decode(self, payload: bytes) -> bytes:
        return self._linear[np.frombuffer(payload, np.uint8)].tobytes()

    def repair(self, _following: bytes, samples: int) -> bytes:
        return self.conceal(samples)

    def conceal(self, samples: int) -> bytes:
        return bytes(2 * samples)


class RepeatingDecoder(SilentDecoder):
    """Fills gaps with the packet before them."""

    def __init__(self, codec: Codec) -> None:
        super().__init__(codec)
        self._last = np.zeros(1)

    def decode(self, payload: bytes) -> bytes:
        pcm = super().decode(payload)
        self._last = np.frombuffer(pcm, "<i2").astype(np.float64)
        return pcm

    def conceal(self, samples: int) -> bytes:
        places = np.arange(samples)
        loudness = 0.5 ** (1 + places // len(self._last))
        return (self._last[places % len(self._last)] * loudness).astype("<i2").tobytes()


_DECODERS = {
    Guess.BOTH_SIDES: G711Decoder,
    Guess.PAST: PastDecoder,
    Guess.REPEATED: RepeatingDecoder,
    Guess.SILENCE: SilentDecoder,
}


def decoder_of(guess: Guess, codec: Codec, rate: int) -> AudioDecoder:
    decoder = _DECODERS[guess](codec)
    return decoder if rate == CLOCK_RATE else ResampledDecoder(decoder, CLOCK_RATE, rate)
