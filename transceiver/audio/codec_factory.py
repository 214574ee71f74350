"""The decoder and the encoder for what a call agreed on and the rate of its engine."""

from transceiver.audio import g711, opus
from transceiver.audio.codec import AudioDecoder, AudioEncoder
from transceiver.audio.format import AudioFormat, Codec
from transceiver.audio.g711 import G711Decoder, G711Encoder
from transceiver.audio.opus import OpusDecoder, OpusEncoder
from transceiver.audio.resampled import ResampledDecoder, ResampledEncoder


def make_decoder(audio_format: AudioFormat, rate: int) -> AudioDecoder:
    """From the client's packets to PCM at `rate`. Raises ValueError when it is no rate."""
    codec, inner_rate = audio_format.codec, codec_rate(audio_format.codec, rate)
    decoder = OpusDecoder(inner_rate) if codec is Codec.OPUS else G711Decoder(codec)
    return decoder if inner_rate == rate else ResampledDecoder(decoder, inner_rate, rate)


def make_encoder(audio_format: AudioFormat, rate: int) -> AudioEncoder:
    """From PCM at `rate` to packets for the client. Raises ValueError when it is no rate.

    Where the format's frames would end within a sample of `rate`, those to encode may be short
    of it or hold all of it, as long as that is no more than one sample at any time.
    """
    codec, inner_rate = audio_format.codec, codec_rate(audio_format.codec, rate)
    encoder: AudioEncoder
    if codec is Codec.OPUS:
        encoder = OpusEncoder(inner_rate, audio_format.opus)
    else:
        encoder = G711Encoder(codec)
    if inner_rate == rate:
        return encoder
    return ResampledEncoder(encoder, inner_rate, rate, audio_format.frame_ms)


def codec_rate(codec: Codec, rate: int) -> int:
    """The rate nearest to `rate` at which the codec itself gives and takes PCM.

    libopus converts to its lower rates for nothing; of them it is the next higher one.
    """
    if codec is not Codec.OPUS:
        return g711.CLOCK_RATE
    return next((each for each in opus.RATES if each >= rate), opus.RATES[-1])
