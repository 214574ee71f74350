"""The decoder and the encoder for what a call agreed on and the rate of its engine."""

from transceiver.audio.codec import AudioDecoder, AudioEncoder
from transceiver.audio.format import AudioFormat
from transceiver.audio.opus import OpusDecoder, OpusEncoder


def make_decoder(_format: AudioFormat, rate: int) -> AudioDecoder:
    """From the client's packets to PCM at `rate`."""
    return OpusDecoder(rate)


def make_encoder(_format: AudioFormat, rate: int) -> AudioEncoder:
    """From PCM at `rate` to packets for the client."""
    return OpusEncoder(rate)
